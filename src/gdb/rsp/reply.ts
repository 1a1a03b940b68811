/** What the stub answers, and the only place where answers become bytes. */

import { bytesToHex, textToBytes } from './bytes.js';
import { compressRuns, escapeBinary, frame, PACKET_SIZE } from './framing.js';

/** Most bytes of memory or of a transferred object in one answer: each may take two characters. */
export const LARGEST_DATA = PACKET_SIZE / 2 - 16;

export interface RegisterValue {
  /** Width in bytes. */
  readonly size: number;
  /** Undefined for a register that cannot be read now. */
  readonly bytes: Uint8Array | undefined;
}

export type Reply =
  | { readonly kind: 'ok' }
  | { readonly kind: 'empty' }
  /** `text` wins over `code` (1..255): give it only to a client that reads `E.text`. */
  | { readonly kind: 'error'; readonly code: number; readonly text?: string }
  /** Plain characters, none of them `#`, `$`, `}` or `*`. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'registers'; readonly values: readonly RegisterValue[] }
  | { readonly kind: 'binary'; readonly prefix: string; readonly bytes: Uint8Array }
  /** Text for the debugger's console, in UTF-8. Only while it waits for a stop or a monitor command. */
  | { readonly kind: 'console'; readonly text: string }
  | {
      readonly kind: 'stop';
      readonly signal: number;
      /** `key:value` pairs in order. */
      readonly pairs: readonly (readonly [string, string])[];
    };

const utf8 = new TextEncoder();

/** The whole frame of an answer, checksum included. */
export function encodeReply(reply: Reply): Uint8Array {
  switch (reply.kind) {
    case 'ok':
      return frame(textToBytes('OK'));
    case 'empty':
      return frame(textToBytes(''));
    case 'error':
      return frame(
        textToBytes(reply.text === undefined ? `E${hexByte(reply.code)}` : `E.${plain(reply.text)}`),
      );
    case 'text':
      return frame(textToBytes(plain(reply.text)));
    case 'data':
      return frame(compressRuns(textToBytes(bytesToHex(reply.bytes))));
    case 'registers':
      return frame(compressRuns(textToBytes(reply.values.map(registerText).join(''))));
    case 'binary':
      return frame(concatenate(textToBytes(reply.prefix), escapeBinary(reply.bytes)));
    case 'console':
      return frame(textToBytes(`O${bytesToHex(utf8.encode(reply.text))}`));
    case 'stop': {
      const pairs = reply.pairs.map(([key, value]) => `${key}:${value};`).join('');
      return frame(textToBytes(`T${hexByte(reply.signal)}${pairs}`));
    }
  }
}

/** A register's contents as in `g`, `p` and stop replies. */
export function registerText(value: RegisterValue): string {
  return value.bytes === undefined ? 'xx'.repeat(value.size) : bytesToHex(value.bytes);
}

function hexByte(value: number): string {
  return (value & 0xff).toString(16).padStart(2, '0');
}

/** GDB does not unescape text answers, so what would break the frame is replaced. */
function plain(text: string): string {
  return text.replace(/[#$}*]/g, '_').replace(/[^\x20-\x7e]+/g, ' ');
}

function concatenate(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}
