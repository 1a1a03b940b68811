import { spawnSync } from 'node:child_process';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where OpenSBI and the boot ROM are not: kernels and user programs. */
const ABOVE_FIRMWARE = { user: 0x1_0000, ram: 0x8000_0000, kernel: 0x8020_0000 } as const;

export const isAboveFirmware = (low: number, high: number): boolean =>
  high !== 0 || low >= ABOVE_FIRMWARE.kernel || (low >= ABOVE_FIRMWARE.user && low < ABOVE_FIRMWARE.ram);

/** QEMU, told with these, writes every instruction's registers to a file before the instruction runs. */
export function logArguments(path: string, aboveFirmware: boolean): readonly string[] {
  const { user, ram, kernel } = ABOVE_FIRMWARE;
  const hex = (value: number) => `0x${value.toString(16)}`;
  const ranges = `${hex(user)}..${hex(ram - 1)},${hex(kernel)}..0xffffffffffffffff`;
  const filter = aboveFirmware ? ['-dfilter', ranges] : [];
  return ['-singlestep', '-d', 'cpu,nochain', '-D', path, ...filter];
}

const START = ' pc ';

/** One hart's registers as words: value `i` of the log's order is `words[2 * i]` and the upper half behind it. */
export type LoggedRegisters = Uint32Array;

/** Where a register stands in the log's blocks, which all look alike. */
interface Column {
  readonly name: string;
  readonly offset: number;
}

/** Reads the log of a hart through a named pipe: QEMU waits when nobody reads. */
export class CpuLog implements AsyncDisposable {
  #columns: readonly Column[] = [];
  #blockBytes = 0;

  private constructor(
    readonly path: string,
    readonly folder: string,
    readonly stream: ReadStream,
  ) {}

  static async create(): Promise<CpuLog> {
    const folder = await mkdtemp(join(tmpdir(), 'backstub-log-'));
    const path = join(folder, 'cpu');
    const made = spawnSync('mkfifo', [path]);
    if (made.status !== 0) throw new Error(`mkfifo ${path} failed: ${made.stderr}`);
    // QEMU waits for the reader as soon as it starts.
    return new CpuLog(path, folder, createReadStream(path, { highWaterMark: 1 << 18 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stream.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Index of a register in what `records` yields: `pc`, `x5` or a CSR's name. */
  indexOf(name: string): number {
    const index = this.#columns.findIndex(column => column.name === name);
    if (index < 0) throw new Error(`QEMU's log does not show ${name}`);
    return index;
  }

  /** Names in the order of the words, known once the first records are there. */
  get names(): readonly string[] {
    return this.#columns.map(({ name }) => name);
  }

  /** Some instructions at a time, in the order they ran. An instruction that QEMU starts twice is there twice. */
  async *records(): AsyncGenerator<readonly LoggedRegisters[]> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of this.stream) {
      rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
      if (this.#blockBytes === 0 && !this.#learn(rest.toString('latin1'))) continue;
      const records: LoggedRegisters[] = [];
      let at = 0;
      for (; at + this.#blockBytes <= rest.length; at += this.#blockBytes)
        records.push(this.#parse(rest, at));
      rest = rest.subarray(at);
      yield records;
    }
  }

  /** Where everything stands, from the first two blocks; false before they are there. */
  #learn(text: string): boolean {
    const start = text.indexOf(START);
    const end = text.indexOf(`\n${START}`, start);
    if (start !== 0 || end < 0) return false;
    this.#blockBytes = end + 1;
    const found = text.slice(0, end).matchAll(/ ([a-z0-9]+)(?:\/[a-z0-9]+)? +([0-9a-f]{16})\b/g);
    this.#columns = [...found].map(match => ({
      name: match[1]!,
      offset: match.index + match[0].length - 16,
    }));
    return true;
  }

  #parse(block: Buffer, start: number): LoggedRegisters {
    if (block[start] !== 0x20 || block[start + 1] !== 0x70)
      throw new Error(`QEMU's log holds something else: ${block.toString('latin1', start, start + 80)}`);
    const words = new Uint32Array(2 * this.#columns.length);
    let word = 0;
    for (const { offset } of this.#columns) {
      words[word + 1] = parseWord(block, start + offset);
      words[word] = parseWord(block, start + offset + 8);
      word += 2;
    }
    return words;
  }
}

function parseWord(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) {
    const code = bytes[i]!;
    value = (value << 4) | (code < 0x40 ? code - 0x30 : code - 0x57);
  }
  return value;
}
