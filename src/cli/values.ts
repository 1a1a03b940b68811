/**
 * Parsers of option values. They throw InvalidArgumentError, which the argument parser completes with the option's
 * name.
 */
import { InvalidArgumentError } from 'commander';
import { parseAddress } from '../host/network/ipv4.js';
import type { HostForward } from '../host/network/tcp-proxy.js';
import { ADDRESS } from '../host/network/user-addresses.js';
import type { InputDeviceKind } from '../ports/config.js';
import { INPUT_KINDS } from '../ports/settings.js';
import { assigned, integer, oneOf, size, type ValueKind, wholeNumber } from '../ports/value-kinds.js';
import { cpuOf } from '../riscv/cpu-models.js';
import { InputError } from '../state/input-error.js';
import { type MomentName, TargetError } from '../timeline/debug-target.js';
import { parseMoment as momentNamed } from '../timeline/moment-text.js';
import { type Placed, parseListed, parseSlot, partsOf } from './listed-value.js';

/** An option's value is one of a kind. */
export const parserOf =
  <T>(kind: Pick<ValueKind<T>, 'parse'>) =>
  (text: string): T => {
    try {
      return kind.parse(text);
    } catch (error) {
      throw error instanceof InputError ? new InvalidArgumentError(error.message) : error;
    }
  };

export const parseCountFrom = (least: number) => parserOf(integer(least));
export const parseSize = parserOf(size());
export const parseOneOf = <const T extends string>(...choices: readonly T[]) => parserOf(oneOf(...choices));

/** The text itself: of which width `max` is, the firmware says. */
export const parseCpu = parserOf({
  parse(text) {
    cpuOf(text, undefined);
    return text;
  },
});

/** Seconds, with a fraction if wanted; returns milliseconds. */
export function parseSeconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(seconds) || seconds === 0) {
    throw new InvalidArgumentError('A number of seconds above 0 is needed, e.g. 10 or 0.5.');
  }
  return seconds * 1000;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `:PORT`, `PORT` or `[IPv6]:PORT`; without a host it is the loopback. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/i.exec(text);
  const port = match ? Number(match[3]) : Number.NaN;
  if (!match || port > 65535) {
    throw new InvalidArgumentError('HOST:PORT is needed, e.g. 127.0.0.1:1234.');
  }
  return { host: match[1] || match[2] || '127.0.0.1', port };
}

/** A file that is put into memory. */
export interface LoadSpec {
  readonly path: string;
  readonly address: number | undefined;
}

/** `FILE[@ADDRESS]`. */
export function parseLoad(text: string): LoadSpec {
  const match = /^(.+)@([^@/]*)$/.exec(text);
  const address = match === null ? undefined : wholeNumber(match[2]);
  if (match === null || (address === undefined && !/^\d/.test(match[2]))) {
    if (text === '' || text.endsWith('@')) throw new InvalidArgumentError('FILE[@ADDRESS] is needed.');
    return { path: text, address: undefined };
  }
  if (address === undefined || !Number.isSafeInteger(address))
    throw new InvalidArgumentError(`An address is a number such as 0x80200000, not ${match[2]}.`);
  return { path: match[1], address };
}

/** Where a console's bytes go. */
export type SerialSpec =
  | { readonly kind: 'stdio' | 'null' | 'pty' }
  | { readonly kind: 'file' | 'unix'; readonly path: string }
  | ({ readonly kind: 'tcp' } & HostPort);

export const SERIAL_HELP = 'stdio, null, file:PATH, pty, or tcp:HOST:PORT or unix:PATH to connect to';

export function parseSerial(text: string): SerialSpec {
  if (text === 'stdio' || text === 'null' || text === 'pty') return { kind: text };
  const match = /^(file|unix):(.+)$/.exec(text);
  if (match !== null) return { kind: match[1] as 'file' | 'unix', path: match[2] };
  if (text.startsWith('tcp:')) return { kind: 'tcp', ...parseHostPort(text.slice(4)) };
  throw new InvalidArgumentError('Allowed: stdio, null, file:PATH, pty, tcp:HOST:PORT, unix:PATH.');
}

/** Where randomness comes from. */
export type EntropySpec = { readonly kind: 'host' } | { readonly kind: 'seed'; readonly seed: number };

/** `virt[,aclint=on|off]`, as QEMU's -machine. */
export function parseBoard(text: string): { readonly board: 'virt'; readonly aclint?: true } {
  const { value, settings } = parseListed(text, 'aclint');
  const board = parseOneOf('virt')(value);
  const aclint = settings.aclint === undefined ? 'off' : parseOneOf('on', 'off')(settings.aclint);
  return aclint === 'on' ? { board, aclint: true } : { board };
}

const parseSeed = parserOf(assigned('seed', 0));

export function parseEntropy(text: string): EntropySpec {
  if (text === 'host') return { kind: 'host' };
  return { kind: 'seed', seed: parseSeed(text) };
}

/** A disk image, its format unless the file is to tell, and its place. */
export interface DiskSpec extends Placed {
  readonly path: string;
  readonly format: 'raw' | 'qcow2' | undefined;
}

/** `FILE[,format=raw|qcow2][,slot=N]`. */
export function parseDisk(text: string): DiskSpec {
  const { value: path, settings } = parseListed(text, 'format', 'slot');
  const format = settings.format === undefined ? undefined : parseFormat(settings.format);
  if (path === '') throw new InvalidArgumentError('FILE[,format=raw|qcow2][,slot=N] is needed.');
  return { path, format, slot: parseSlot(settings.slot) };
}

const parseFormat = parseOneOf('raw', 'qcow2');

/** Where the virtio console's bytes go, and its place. */
export type VirtioConsoleSpec = SerialSpec & Placed;

/** `WHERE[,slot=N]`. */
export function parseVirtioConsole(text: string): VirtioConsoleSpec {
  const { value, settings } = parseListed(text, 'slot');
  return { ...parseSerial(value), slot: parseSlot(settings.slot) };
}

/** Nothing, or `slot=N`. */
export function parsePlace(text: string): Placed {
  if (text === '') return { slot: undefined };
  const match = /^slot=(.*)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('slot=N is needed, or nothing.');
  return { slot: parseSlot(match[1]) };
}

/** An input device and its place. */
export interface InputSpec extends Placed {
  readonly kind: InputDeviceKind;
}

/** `KIND[,slot=N][,KIND[,slot=N]...]`. */
export function parseInputs(text: string): readonly InputSpec[] {
  const specs: InputSpec[] = [];
  for (const part of partsOf(text)) {
    const slot = /^slot=(.*)$/.exec(part);
    const last = specs.at(-1);
    if (slot !== null && last !== undefined && last.slot === undefined)
      specs[specs.length - 1] = { ...last, slot: parseSlot(slot[1]) };
    else specs.push({ kind: parseInputKind(part), slot: undefined });
  }
  return specs;
}

function parseInputKind(text: string): InputDeviceKind {
  const kind = INPUT_KINDS.find(one => one === text);
  if (kind !== undefined) return kind;
  throw new InvalidArgumentError(
    `Allowed: ${INPUT_KINDS.join(', ')}, with commas between, each with ,slot=N behind it if need be.`,
  );
}

/** Files that the guest's sound goes to and comes from, and the device's place. */
export interface SoundSpec extends Placed {
  readonly output: string | undefined;
  readonly input: string | undefined;
}

/** `null|wav:FILE[,in=FILE][,slot=N]`. */
export function parseSound(text: string): SoundSpec {
  const { value, settings } = parseListed(text, 'in', 'slot');
  const match = /^(?:null|wav:(.+))$/.exec(value);
  if (match === null || settings.in === '')
    throw new InvalidArgumentError('Allowed: null or wav:FILE, and ,in=FILE behind it.');
  return { output: match[1], input: settings.in, slot: parseSlot(settings.slot) };
}

/** What the network device is connected to, and its place. */
export type NetSpec = Placed &
  (
    | { readonly kind: 'none' }
    | { readonly kind: 'user'; readonly forwards: readonly HostForward[]; readonly restricted: boolean }
    | ({ readonly kind: 'listen' | 'connect' } & HostPort)
  );

export function parseNet(text: string): NetSpec {
  const [kind, ...rest] = partsOf(text);
  const slots = rest.filter(setting => setting.startsWith('slot='));
  const settings = rest.filter(setting => !slots.includes(setting));
  const slot = parseSlot(slots.at(-1)?.slice('slot='.length));
  if (kind === 'user') {
    const restrictions = settings.filter(setting => setting.startsWith('restrict='));
    const forwards = settings.filter(setting => !restrictions.includes(setting)).map(parseForward);
    return { kind, forwards, restricted: restrictions.map(parseRestriction).at(-1) ?? false, slot };
  }
  const socket = /^socket:(listen|connect)=(.+)$/.exec(kind);
  if (socket !== null && settings.length === 0)
    return { kind: socket[1] as 'listen' | 'connect', ...parseHostPort(socket[2]), slot };
  if (kind === 'none' && rest.length === 0) return { kind, slot };
  throw new InvalidArgumentError(
    'Allowed: user[,restrict=on][,hostfwd=...], socket:listen=HOST:PORT, socket:connect=HOST:PORT, none.',
  );
}

/** `restrict=on|off`, as in QEMU. */
function parseRestriction(text: string): boolean {
  if (text === 'restrict=on') return true;
  if (text === 'restrict=off') return false;
  throw new InvalidArgumentError(`restrict=on or restrict=off is needed, not ${text}.`);
}

/** `hostfwd=tcp:[HOST]:PORT-[GUEST]:PORT`, as in QEMU; without a host it is the loopback. */
function parseForward(text: string): HostForward {
  const match = /^hostfwd=(tcp|udp):([^:]*):(\d{1,5})-([\d.]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const guest = match?.[4] ? parseAddress(match[4]) : ADDRESS.guest;
  const guestPort = Number(match?.[5]);
  if (match === null || guest === undefined || port > 65535 || guestPort < 1 || guestPort > 65535) {
    throw new InvalidArgumentError(`hostfwd=tcp:[HOST]:PORT-[GUEST]:PORT is needed, not ${text}.`);
  }
  const protocol = match[1] as HostForward['protocol'];
  return { protocol, host: match[2] || '127.0.0.1', port, guest, guestPort };
}

/** A place in a recording, as `monitor goto` takes it. */
export function parseMoment(text: string): MomentName {
  try {
    return momentNamed(text);
  } catch (error) {
    throw error instanceof TargetError ? new InvalidArgumentError(`${error.message}.`) : error;
  }
}
