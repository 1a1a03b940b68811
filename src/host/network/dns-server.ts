/** The name server of the user-mode network (RFC 1035): the host's own resolver answers. IPv4 only. */
import { lookup } from 'node:dns/promises';
import { parseAddress, viewOf } from './ipv4.js';
import { toGuest } from './user-addresses.js';

export const DNS_PORT = 53;

const HEADER_BYTES = 12;
const RESPONSE = 0x8000;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const OPCODE = 0x7800;
const TYPE = { a: 1, any: 255 } as const;
const CLASS_INTERNET = 1;
const CODE = { ok: 0, format: 1, server: 2, noName: 3, unsupported: 4 } as const;
const SECONDS_TO_LIVE = 60;
/** Answers that fit into a message of 512 bytes with any name. */
const MOST_ANSWERS = 12;

/** Addresses of a name, in text; throws as node:dns does. */
export type Resolve = (name: string) => Promise<readonly string[]>;

const resolveOnHost: Resolve = async name =>
  (await lookup(name, { all: true, family: 4 })).map(({ address }) => address);

/** The answer to a query, or undefined for what is none. Never rejects. */
export async function answerDns(query: Uint8Array, resolve = resolveOnHost): Promise<Uint8Array | undefined> {
  if (query.length < HEADER_BYTES) return undefined;
  const view = viewOf(query);
  const flags = view.getUint16(2);
  if ((flags & RESPONSE) !== 0) return undefined;
  const question = readQuestion(query);
  if (question === undefined) return answer(query, HEADER_BYTES, CODE.format, []);
  if ((flags & OPCODE) !== 0 || question.class !== CLASS_INTERNET) {
    return answer(query, question.end, CODE.unsupported, []);
  }
  // There is no IPv6 here, and other records are not the host's resolver's business.
  if (question.type !== TYPE.a && question.type !== TYPE.any) return answer(query, question.end, CODE.ok, []);
  try {
    const found = (await resolve(question.name)).flatMap(text => parseAddress(text) ?? []);
    const addresses = [...new Set(found.map(toGuest))].slice(0, MOST_ANSWERS);
    return answer(query, question.end, CODE.ok, addresses);
  } catch (error) {
    const unknown = (error as NodeJS.ErrnoException).code === 'ENOTFOUND';
    return answer(query, question.end, unknown ? CODE.noName : CODE.server, []);
  }
}

interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Byte after it. */
  readonly end: number;
}

/** The only question of a query; a query's name is not compressed. */
function readQuestion(query: Uint8Array): Question | undefined {
  const view = viewOf(query);
  if (view.getUint16(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = query[at++];
    if (length === undefined || length > 63 || at + length > query.length) return undefined;
    if (length === 0) break;
    labels.push(String.fromCharCode(...query.subarray(at, at + length)));
    at += length;
  }
  if (at + 4 > query.length) return undefined;
  return { name: labels.join('.'), type: view.getUint16(at), class: view.getUint16(at + 2), end: at + 4 };
}

function answer(query: Uint8Array, end: number, code: number, addresses: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(end + addresses.length * 16);
  bytes.set(query.subarray(0, end));
  const view = viewOf(bytes);
  const kept = view.getUint16(2) & (OPCODE | RECURSION_DESIRED);
  view.setUint16(2, RESPONSE | RECURSION_AVAILABLE | kept | code);
  view.setUint16(4, end > HEADER_BYTES ? 1 : 0);
  view.setUint16(6, addresses.length);
  view.setUint32(8, 0);
  addresses.forEach((address, i) => {
    const at = end + i * 16;
    // The name is the question's.
    view.setUint16(at, 0xc000 | HEADER_BYTES);
    view.setUint16(at + 2, TYPE.a);
    view.setUint16(at + 4, CLASS_INTERNET);
    view.setUint32(at + 6, SECONDS_TO_LIVE);
    view.setUint16(at + 10, 4);
    view.setUint32(at + 12, address);
  });
  return bytes;
}
