/** The debugger's side of the wire, written from the GDB manual and not from the stub's own encoder. */

import { Session } from '../../src/gdb/stub/debugger-session.js';
import type { DebugTarget } from '../../src/timeline/debug-target.js';
import { RAM_BASE } from './counter-target.js';

export function packet(body: string): Buffer {
  const bytes = Buffer.from(body, 'latin1');
  const sum = bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
  return Buffer.concat([Buffer.from('$'), bytes, Buffer.from(`#${sum.toString(16).padStart(2, '0')}`)]);
}

export function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

export function unhex(text: string): string {
  return Buffer.from(text, 'hex').toString();
}

/** Undoes `}` escapes of a binary answer. */
export function unescapeBinary(body: string): string {
  return body.replace(/\}([\s\S])/g, (_, char: string) => String.fromCharCode(char.charCodeAt(0) ^ 0x20));
}

/** Takes complete items (`+`, `-` or the body of a frame) off the front of `text`. */
export function takeItems(text: string): { items: string[]; rest: string } {
  const items: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === '+' || text[at] === '-') {
      items.push(text[at]!);
      at++;
      continue;
    }
    if (text[at] !== '$') throw new Error(`stray ${JSON.stringify(text.slice(at))}`);
    const end = text.indexOf('#', at);
    if (end < 0 || end + 3 > text.length) break;
    const raw = text.slice(at + 1, end);
    const expected = packet(raw).toString('latin1').slice(-2);
    if (text.slice(end + 1, end + 3) !== expected) throw new Error(`wrong checksum on ${raw}`);
    items.push(`$${raw.replace(/([\s\S])\*([\s\S])/g, expandRun)}`);
    at = end + 3;
  }
  return { items, rest: text.slice(at) };
}

function expandRun(_: string, char: string, count: string): string {
  return char.repeat(count.charCodeAt(0) - 29 + 1);
}

/** A session without sockets. Acknowledgements are on until `ask('QStartNoAckMode')`. */
export class Wire {
  readonly session: Session;
  /** Everything the stub said: `+`, `-`, `$body`. */
  readonly said: string[] = [];
  closed = false;
  /** Whether the session takes no more for now. */
  held = false;

  /** Called each second while the session works. */
  private readonly ticking = new Set<() => void>();
  private rest = '';
  private unread = 0;
  private wake: () => void = () => {};

  constructor(readonly target: DebugTarget) {
    this.session = new Session(target, {
      write: bytes => {
        const { items, rest } = takeItems(this.rest + Buffer.from(bytes).toString('latin1'));
        this.rest = rest;
        this.said.push(...items);
        this.wake();
      },
      turn: () => new Promise(resolve => setImmediate(resolve)),
      unsent: 0,
      drained: () => Promise.resolve(),
      hold: held => {
        this.held = held;
      },
      nowMs: () => performance.now(),
      every: (_, wake) => {
        this.ticking.add(wake);
        return () => this.ticking.delete(wake);
      },
      close: () => {
        this.closed = true;
        this.wake();
      },
    });
  }

  sendBytes(bytes: Uint8Array | string): void {
    this.session.receive(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  send(body: string): void {
    this.sendBytes(packet(body));
  }

  interrupt(): void {
    this.sendBytes('\x03');
  }

  /** A second passes on the session's clock. */
  second(): void {
    for (const wake of this.ticking) wake();
  }

  /** The next frame's body; acknowledgements are skipped. */
  async next(): Promise<string> {
    for (;;) {
      while (this.unread < this.said.length) {
        const item = this.said[this.unread++]!;
        if (item.startsWith('$')) return item.slice(1);
      }
      await new Promise<void>(resolve => {
        this.wake = resolve;
      });
    }
  }

  /** Sends one packet and gives the answer, leaving out console output, which is in `said`. */
  async ask(body: string): Promise<string> {
    this.send(body);
    for (;;) {
      const answer = await this.next();
      if (!/^O[0-9a-f]+$/.test(answer)) return answer;
    }
  }

  /** `monitor` output as the user sees it. */
  async monitor(command: string): Promise<string> {
    this.send(`qRcmd,${hex(command)}`);
    let output = '';
    for (;;) {
      const answer = await this.next();
      if (answer === 'OK') return output;
      if (!/^O[0-9a-f]+$/.test(answer)) return `${output}[${answer}]`;
      output += unhex(answer.slice(1));
    }
  }

  async handshake(features = 'swbreak+;hwbreak+;xmlRegisters=i386'): Promise<void> {
    await this.ask(`qSupported:${features}`);
    await this.ask('QStartNoAckMode');
  }
}

/** A session past the handshake. */
export async function connect(target: DebugTarget, features?: string): Promise<Wire> {
  const wire = new Wire(target);
  await wire.handshake(features);
  return wire;
}

/** A 64-bit register as on the wire. */
export const register = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.toString('hex');
};

/** The expedited registers and hart that end every stop reply. */
export const tail = (pc: bigint, hart = 0) =>
  `thread:${hart + 1};core:${hart};20:${register(pc)};02:${register(0n)};08:${register(0n)};`;

/** Address of an instruction of the counter's program. */
export const at = (instruction: number) => RAM_BASE + BigInt(4 * instruction);
