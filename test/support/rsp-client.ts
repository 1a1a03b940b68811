import { connect, type Socket } from 'node:net';

/** A register as target.xml numbers it. */
export interface TargetRegister {
  readonly name: string;
  readonly number: number;
  readonly bits: number;
}

type Waiter = { readonly resolve: (payload: string) => void; readonly reject: (error: Error) => void };

const START = 0x24; // '$'
const END = 0x23; // '#'
const ESCAPE = 0x7d; // '}'

/**
 * GDB Remote Serial Protocol, client side: what a test needs to drive a stub without gdb.
 *
 * Packets may be sent ahead of their replies, which come back in order. QEMU allows it while the machine
 * is halted: a `$` that arrives where it waits for an ack abandons the wait (so acks are never sent).
 * It does not allow it behind a packet that resumes the machine: any byte received while it runs stops it.
 */
export class RspClient {
  readonly #socket: Socket;
  readonly #waiting: Waiter[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #closed: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', chunk => this.#receive(chunk));
    socket.on('error', error => this.#end(error));
    socket.on('close', () => this.#end(new Error('the stub closed the connection')));
  }

  /** Connects to a Unix socket's path or a TCP port on 127.0.0.1. */
  static connect(where: string | number): Promise<RspClient> {
    return new Promise((resolve, reject) => {
      const socket =
        typeof where === 'string' ? connect({ path: where }) : connect({ host: '127.0.0.1', port: where });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RspClient(socket));
      });
    });
  }

  /** Sends one packet and waits for its reply. Fails when the connection ends first. */
  request(payload: string): Promise<string> {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      // Packets sent in one go travel in one segment.
      this.#socket.cork();
      this.#socket.write(frame(payload), 'latin1');
      process.nextTick(() => this.#socket.uncork());
    });
  }

  /** As `request`, and an `E` reply or an empty one is an error. */
  async demand(payload: string): Promise<string> {
    const reply = await this.request(payload);
    if (reply === '' || /^E[0-9a-f]{2}$/.test(reply))
      throw new Error(`the stub answered '${reply}' to ${payload.slice(0, 40)}`);
    return reply;
  }

  /** Reads an annex of `qXfer:OBJECT:read` in full. */
  async transfer(object: string, annex: string): Promise<string> {
    let text = '';
    for (;;) {
      const part = await this.demand(`qXfer:${object}:read:${annex}:${text.length.toString(16)},ffb`);
      text += part.slice(1);
      if (part[0] === 'l') return text;
    }
  }

  /** All registers of the target description, its includes followed. */
  async targetRegisters(): Promise<TargetRegister[]> {
    const registers: TargetRegister[] = [];
    const root = await this.transfer('features', 'target.xml');
    const annexes = [...root.matchAll(/<xi:include href="([^"]+)"/g)].map(match => match[1]!);
    let next = 0;
    for (const text of [root, ...(await sequentially(annexes, annex => this.transfer('features', annex)))]) {
      for (const [element] of text.matchAll(/<reg [^>]*>/g)) {
        const attribute = (name: string) => element.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];
        const number = attribute('regnum');
        if (number !== undefined) next = Number(number);
        registers.push({ name: attribute('name') ?? '', number: next, bits: Number(attribute('bitsize')) });
        next++;
      }
    }
    return registers;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const start = this.#pending.indexOf(START);
      const end = start < 0 ? -1 : this.#pending.indexOf(END, start);
      if (end < 0 || this.#pending.length < end + 3) return;
      const payload = unescapeBinary(this.#pending.subarray(start + 1, end));
      this.#pending = this.#pending.subarray(end + 3);
      this.#waiting.shift()?.resolve(payload);
    }
  }

  #end(error: Error): void {
    this.#closed ??= error;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}

function frame(payload: string): string {
  let sum = 0;
  for (let i = 0; i < payload.length; i++) sum += payload.charCodeAt(i);
  return `$${payload}#${(sum & 0xff).toString(16).padStart(2, '0')}`;
}

function unescapeBinary(bytes: Buffer): string {
  if (!bytes.includes(ESCAPE)) return bytes.toString('latin1');
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    text += String.fromCharCode(bytes[i] === ESCAPE ? bytes[++i]! ^ 0x20 : bytes[i]!);
  }
  return text;
}

async function sequentially<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await act(item));
  return results;
}

/** A value in the stub's byte order (little-endian hex), `bits` wide. */
export function toTargetHex(value: bigint, bits: number): string {
  let hex = '';
  let rest = BigInt.asUintN(bits, value);
  for (let i = 0; i < bits; i += 8) {
    hex += Number(rest & 0xffn)
      .toString(16)
      .padStart(2, '0');
    rest >>= 8n;
  }
  return hex;
}

/** The inverse of `toTargetHex`. */
export function fromTargetHex(hex: string): bigint {
  let swapped = '0x';
  for (let i = hex.length - 2; i >= 0; i -= 2) swapped += hex.slice(i, i + 2);
  return BigInt(swapped);
}
