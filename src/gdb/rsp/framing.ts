/**
 * Frames of the GDB remote protocol: `$body#checksum`, `+`, `-` and the bare interrupt byte 0x03
 * (GDB manual, appendix E.1 "Overview").
 */

import { ForeignStream, firstByteName } from './foreign-stream.js';

/** Largest body in bytes either side may send; announced as `PacketSize`. */
export const PACKET_SIZE = 0x20000;

const START = 0x24; // $
const END = 0x23; // #
const ESCAPE = 0x7d; // }
const REPEAT = 0x2a; // *
const ACK = 0x2b; // +
const NAK = 0x2d; // -
const INTERRUPT = 0x03;
const ESCAPE_FLIP = 0x20;
const HEX_DIGITS = '0123456789abcdef';

/** A repeat count n is sent as the character n + 29, which must be printable and neither `#` nor `$`. */
const REPEAT_BIAS = 29;
const SHORTEST_REPEAT = 3;
const LONGEST_REPEAT = 126 - REPEAT_BIAS;

export type FrameEvent =
  /** `body` is unescaped. */
  | { readonly kind: 'packet'; readonly body: Uint8Array }
  | { readonly kind: 'bad-checksum' }
  /** A body longer than PACKET_SIZE, dropped. */
  | { readonly kind: 'too-long' }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nak' }
  | { readonly kind: 'interrupt' }
  /** No debugger speaks like this: nothing that follows is looked at. */
  | { readonly kind: 'foreign'; readonly looksLike: string };

type ParserState = 'start' | 'idle' | 'body' | 'escaped' | 'checksum-high' | 'checksum-low' | 'foreign';

/**
 * Push parser of a debugger's byte stream; chunks may be cut anywhere. Noise between frames is skipped, as gdbserver
 * does, but a stream that is or becomes another protocol's ends: see ForeignStream.
 */
export class FrameParser {
  private state: ParserState = 'start';
  private readonly foreign = new ForeignStream();
  private body = new Uint8Array(1024);
  private length = 0;
  private rawLength = 0;
  private sum = 0;
  private checksumHigh = -1;

  feed(bytes: Uint8Array): FrameEvent[] {
    const events: FrameEvent[] = [];
    for (const byte of bytes) {
      const event = this.next(byte);
      if (event === undefined) continue;
      events.push(event);
      if (event.kind === 'foreign') break;
    }
    return events;
  }

  private next(byte: number): FrameEvent | undefined {
    switch (this.state) {
      case 'foreign':
        return undefined;
      case 'start':
        this.state = 'idle';
        if (!isOurs(byte)) return this.end(firstByteName(byte));
        return this.betweenFrames(byte);
      case 'idle':
        return this.betweenFrames(byte);
      case 'body':
      case 'escaped':
        return this.inBody(byte);
      case 'checksum-high':
        if (byte === START) return this.beginAfter({ kind: 'bad-checksum' });
        this.checksumHigh = hexValue(byte);
        this.state = 'checksum-low';
        return undefined;
      case 'checksum-low':
        if (byte === START) return this.beginAfter({ kind: 'bad-checksum' });
        this.state = 'idle';
        return this.finish(hexValue(byte));
    }
  }

  private betweenFrames(byte: number): FrameEvent | undefined {
    switch (byte) {
      case START:
        this.begin();
        return undefined;
      case ACK:
        return { kind: 'ack' };
      case NAK:
        return { kind: 'nak' };
      case INTERRUPT:
        return { kind: 'interrupt' };
      default:
        return this.foreign.noise(byte) ? this.end(this.foreign.name) : undefined;
    }
  }

  private end(looksLike: string): FrameEvent {
    this.state = 'foreign';
    return { kind: 'foreign', looksLike };
  }

  private beginAfter(event: FrameEvent): FrameEvent {
    this.begin();
    return event;
  }

  private begin(): void {
    this.state = 'body';
    this.foreign.begin();
    this.length = 0;
    this.rawLength = 0;
    this.sum = 0;
  }

  private inBody(byte: number): FrameEvent | undefined {
    // A bare `$` can only be the next frame: the end of this one was lost.
    if (byte === START) {
      if (this.foreign.lines) return this.end(this.foreign.name);
      this.begin();
      return undefined;
    }
    if (byte === END) {
      this.state = 'checksum-high';
      return undefined;
    }
    if (this.foreign.inBody(byte)) return this.end(this.foreign.name);
    this.sum = (this.sum + byte) & 0xff;
    this.rawLength++;
    if (this.state === 'escaped') {
      this.append(byte ^ ESCAPE_FLIP);
      this.state = 'body';
    } else if (byte === ESCAPE) {
      this.state = 'escaped';
    } else {
      this.append(byte);
    }
    return undefined;
  }

  private append(byte: number): void {
    if (this.rawLength > PACKET_SIZE) return;
    if (this.length === this.body.length) {
      const larger = new Uint8Array(this.body.length * 2);
      larger.set(this.body);
      this.body = larger;
    }
    this.body[this.length++] = byte;
  }

  private finish(checksumLow: number): FrameEvent {
    if (this.checksumHigh < 0 || checksumLow < 0 || this.checksumHigh * 16 + checksumLow !== this.sum) {
      return this.foreign.lines ? this.end(this.foreign.name) : { kind: 'bad-checksum' };
    }
    if (this.rawLength > PACKET_SIZE) return { kind: 'too-long' };
    return { kind: 'packet', body: this.body.slice(0, this.length) };
  }
}

/** Puts an already escaped body in a frame. */
export function frame(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 4);
  let sum = 0;
  bytes[0] = START;
  for (let at = 0; at < body.length; at++) {
    bytes[at + 1] = body[at]!;
    sum += body[at]!;
  }
  bytes[body.length + 1] = END;
  bytes[body.length + 2] = HEX_DIGITS.charCodeAt((sum >> 4) & 15);
  bytes[body.length + 3] = HEX_DIGITS.charCodeAt(sum & 15);
  return bytes;
}

export const acknowledgement = (accepted: boolean): number => (accepted ? ACK : NAK);

/** Binary data as GDB wants it in `x` and `qXfer` answers: `#`, `$`, `}` and `*` are escaped. */
export function escapeBinary(bytes: Uint8Array): Uint8Array {
  let special = 0;
  for (const byte of bytes) if (isSpecial(byte)) special++;
  if (special === 0) return bytes;
  const escaped = new Uint8Array(bytes.length + special);
  let to = 0;
  for (const byte of bytes) {
    if (isSpecial(byte)) {
      escaped[to++] = ESCAPE;
      escaped[to++] = byte ^ ESCAPE_FLIP;
    } else {
      escaped[to++] = byte;
    }
  }
  return escaped;
}

/**
 * Run-length encodes a body of plain text (hex digits and `x`). Bodies holding an escape or a `*` are
 * returned as they are: a repeat after an escaped byte would repeat the wrong one.
 */
export function compressRuns(body: Uint8Array): Uint8Array {
  if (body.some(isSpecial)) return body;
  const packed = new Uint8Array(body.length);
  let to = 0;
  let from = 0;
  while (from < body.length) {
    const byte = body[from]!;
    let end = from + 1;
    while (end < body.length && body[end] === byte && end - from - 1 < LONGEST_REPEAT) end++;
    packed[to++] = byte;
    from++;
    let repeat = end - from;
    if (repeat < SHORTEST_REPEAT) continue;
    while (repeat + REPEAT_BIAS === END || repeat + REPEAT_BIAS === START) repeat--;
    packed[to++] = REPEAT;
    packed[to++] = repeat + REPEAT_BIAS;
    from += repeat;
  }
  return packed.subarray(0, to);
}

function isOurs(byte: number): boolean {
  return byte === START || byte === ACK || byte === NAK || byte === INTERRUPT;
}

function isSpecial(byte: number): boolean {
  return byte === END || byte === START || byte === ESCAPE || byte === REPEAT;
}

function hexValue(byte: number): number {
  return byte < 0x80 ? HEX_DIGITS.indexOf(String.fromCharCode(byte).toLowerCase()) : -1;
}
