/** Small files that would be large in memory, and files that are none: one line or a plain answer, in little memory. */
import { spawn } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ByteWriter } from '../../src/replay/byte-codec.js';
import { CHUNK_TYPES } from '../../src/replay/format.js';
import { headerJson } from '../../src/replay/recording-header.js';
import { type ForgedChunk, forge } from '../replay/forged.js';
import { CONFIG, HEADER } from '../replay/recordings.js';
import { type Ended, REPOSITORY, scratchFolder } from './backstub.js';

const MIB = 2 ** 20;
/** Node and backstub take a third of it; what the files below say they hold, tens of times as much. */
const MOST_RSS = 420 * MIB;
const MAIN = join(REPOSITORY, 'dist/cli/main.js');
/** The most that the process held since it was started; what getrusage says is at least what its parent held. */
const TELL_RSS = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  process.on('exit', () => {
    const [, kib] = /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'));
    process.stderr.write('\\nrss ' + kib);
  });
`)}`;

/** Runs a command; what it prints on standard output is not kept. */
function inLittleMemory(...args: string[]): Promise<Omit<Ended, 'stdout'> & { readonly rss: number }> {
  const child = spawn(process.execPath, ['--max-old-space-size=96', '--import', TELL_RSS, MAIN, ...args], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      const [stderr, kib] = said.split('\nrss ');
      resolve({ code, stderr, rss: Number(kib) * 1024 });
    });
  });
}

const utf8 = new TextEncoder();
const bomb = (type: keyof typeof CHUNK_TYPES, content: Uint8Array, declared?: number): ForgedChunk => ({
  type: CHUNK_TYPES[type],
  content,
  stored: 'bomb',
  ...(declared === undefined ? {} : { declared }),
});
const json = (header: object): ForgedChunk => bomb('header', utf8.encode(JSON.stringify(header)));
const about = { ...JSON.parse(headerJson({ ...HEADER, images: [] })) } as Record<string, unknown>;
const plainHeader = json(about);

function written(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  return out.take();
}

/** Checkpoints without a change, of a machine with `names` components and so much state. */
function checkpoints(count: number, names: number, stateBytes: number): ForgedChunk[] {
  const first = written(out => {
    for (let i = 0; i < 9; i++) out.u8(0);
    out.u8(3);
    out.varint(names);
    for (let i = 0; i < names; i++) out.text(`component${i}`);
    for (let i = 0; i < names; i += 8) out.u8(names - i >= 8 ? 0xff : 2 ** (names - i) - 1);
    out.raw(new Uint8Array(8 * names));
    out.varint(stateBytes);
  });
  const next = written(out => {
    out.u8(1);
    for (let i = 0; i < 8; i++) out.u8(0);
    out.u8(2);
    out.raw(new Uint8Array(Math.ceil(names / 8)));
    out.varint(stateBytes);
  });
  return [bomb('checkpoint', first), ...Array.from({ length: count }, () => bomb('checkpoint', next))];
}

const ZEROS = new Uint8Array(MIB);
const image = (length: number) => ({ name: 'zeros', address: 0x8000_0000, length });
const gib = { ...CONFIG, ramBytes: 2 ** 30 };
const manyEvents = new Uint8Array(3_000_000).map((_, i) => [0, 8, 0][i % 3]);
const entropyEvents = new Uint8Array(60_000).map((_, i) => [0, 8, 0][i % 3]);
const pagesOfZeros = (first: number) =>
  written(out => {
    for (let page = 0; page < 250; page++) {
      out.u8(0);
      out.varint(first + page);
      out.raw(new Uint8Array(4096));
    }
  });

/** What it is, its chunks, and what is said about it; undefined: it is a recording, if an odd one. */
const BOMBS: readonly (readonly [string, () => ForgedChunk[], RegExp | undefined])[] = [
  [
    'a hundred thousand components',
    () => [plainHeader, ...checkpoints(1000, 100_000, 0)],
    /100000 components/,
  ],
  ['checkpoints of many components', () => [plainHeader, ...checkpoints(10_000, 256, 1000)], undefined],
  ['a state of 64 MiB', () => [plainHeader, ...checkpoints(10, 8, 64 * MIB)], /impossible size/],
  ['states of 4 MiB', () => [plainHeader, ...checkpoints(5000, 8, 4 * MIB)], undefined],
  [
    'a gigabyte of an image',
    () => [
      json({ ...about, config: gib, images: [image(900 * MIB)] }),
      ...Array.from({ length: 900 }, () => bomb('image', ZEROS)),
    ],
    undefined,
  ],
  [
    'more images than memory',
    () => [json({ ...about, images: [image(129 * MIB)] })],
    /more bytes of images than fit memory/,
  ],
  [
    'a gigabyte of pages',
    () => [
      json({ ...about, config: gib, start: { icount: 0, virtualNs: 0, pages: 600 * 250 } }),
      bomb(
        'state',
        written(out => {
          out.text('x');
          out.varint(0);
        }),
      ),
      ...Array.from({ length: 600 }, (_, i) => bomb('pages', pagesOfZeros(250 * i))),
    ],
    undefined,
  ],
  [
    'two million events',
    () => [plainHeader, ...Array.from({ length: 50 }, () => bomb('events', entropyEvents))],
    undefined,
  ],
  [
    'a hundred million events',
    () => [plainHeader, ...Array.from({ length: 100 }, () => bomb('events', manyEvents))],
    undefined,
  ],
  [
    'a chunk of a terabyte',
    () => [plainHeader, bomb('events', new Uint8Array(100), 2 ** 40)],
    /impossible size/,
  ],
  [
    'a chunk of a gigabyte',
    () => [plainHeader, bomb('events', new Uint8Array(MIB), 2 ** 30)],
    /impossible size|too long/,
  ],
  [
    'a chunk longer than it says',
    () => [plainHeader, bomb('events', new Uint8Array(100 * MIB), 1000)],
    /cannot be decompressed/,
  ],
  ['a header of 100 MiB', () => [bomb('header', new Uint8Array(100 * MIB).fill(0x5b))], /too long/],
  [
    'a header of lists in lists',
    () => [bomb('header', new Uint8Array(3 * MIB).fill(0x5b))],
    /lists within lists/,
  ],
  [
    'an append of a megabyte',
    () => [json({ ...about, config: { ...CONFIG, append: 'x'.repeat(MIB) } })],
    /no valid "append": "x{50,90}\.\.\.; nothing/,
  ],
  [
    'RAM of a terabyte',
    () => [json({ ...about, config: { ...CONFIG, ramBytes: 2 ** 40 } })],
    /no valid "ramBytes"/,
  ],
  [
    'an ISA that is none',
    () => [json({ ...about, config: { ...CONFIG, isa: 'armv7' } })],
    /no valid "isa": "armv7"/,
  ],
];

/**
 * Machines in the middle of their work are compared by their state, and the one with many pages has none. What takes a
 * line or a look for each event takes its time for a hundred million.
 */
const commandsFor = (name: string, file: string) => [
  ['info', file],
  ...(name === 'a hundred million events' ? [] : [['events', file, '--json']]),
  ...(/gigabyte of pages|hundred million/.test(name) ? [] : [['diff', file, file]]),
];

describe('a file of less than a megabyte that holds', () => {
  test.each(BOMBS)('%s', { timeout: 300_000 }, async (name, chunks, said) => {
    const file = join(scratchFolder(), 'bomb.bst');
    const bytes = forge(chunks());
    expect(bytes.length).toBeLessThan(2 * MIB);
    writeFileSync(file, bytes);
    for (const command of commandsFor(name, file)) {
      const { code, stderr, rss } = await inLittleMemory(...command);
      expect(stderr.split('\n').length).toBeLessThanOrEqual(2);
      expect(stderr).toMatch(said ?? /^$/);
      expect(code).toBe(said === undefined ? 0 : 2);
      expect(rss).toBeLessThan(MOST_RSS);
      if (said !== undefined) break;
    }
  });
});

describe('what is no file of ours is one line for', () => {
  const files: readonly (readonly [string, (folder: string) => string, RegExp])[] = [
    ['a folder', folder => folder, /it is a folder/],
    ['an empty file', folder => made(folder, ''), /the file is empty/],
    ['a device without end', () => '/dev/zero', /it is a device/],
    ['a text', folder => made(folder, 'hello'), /not a backstub recording/],
    ['a file larger than memory, all holes', sparse, /not a backstub recording/],
  ];
  const made = (folder: string, text: string) => {
    const file = join(folder, 'made.bst');
    writeFileSync(file, text);
    return file;
  };
  function sparse(folder: string): string {
    const file = made(folder, '');
    truncateSync(file, 2 ** 33);
    return file;
  }

  test.each(files)('%s', async (_name, make, said) => {
    const folder = scratchFolder();
    const file = make(folder);
    const commands = [
      ['info', file],
      ['events', file],
      ['verify', file],
      ['replay', file],
      ['diff', file, file],
      ['trim', file, '-o', join(folder, 'part.bst')],
      ['export', file, join(folder, 'parts')],
    ];
    for (const command of commands) {
      const { code, stderr, rss } = await inLittleMemory(...command);
      expect(stderr).toMatch(/^backstub: error: [^\n]+\n?$/);
      expect(stderr).toMatch(said);
      expect(code).toBe(2);
      expect(rss).toBeLessThan(MOST_RSS);
    }
  });

  test('an import of such parts', async () => {
    const folder = scratchFolder();
    for (const [name, make] of [
      ['none', () => {}],
      ['folder', (parts: string) => mkdirSync(join(parts, 'recording.json'))],
      ['deep', (parts: string) => writeFileSync(join(parts, 'recording.json'), '['.repeat(MIB))],
    ] as const) {
      const parts = join(folder, name);
      mkdirSync(parts);
      make(parts);
      const { code, stderr } = await inLittleMemory('import', parts, '-o', join(folder, 'made.bst'));
      expect(stderr).toMatch(/^backstub: error: [^\n]+\n?$/);
      expect(code).toBe(2);
    }
  });

  test('an import of many checkpoints holds none of them as objects', { timeout: 120_000 }, async () => {
    const folder = scratchFolder();
    const parts = join(folder, 'parts');
    const recording = join(folder, 'a.bst');
    writeFileSync(recording, forge([plainHeader]));
    expect((await inLittleMemory('export', recording, parts)).code).toBe(0);
    const digests = Object.fromEntries(
      ['hart0', 'plic', 'uart0', 'ram'].map(name => [name, '0123456789abcdef']),
    );
    const line = `${JSON.stringify({ icount: 0, digests, state: '' })}\n`;
    writeFileSync(join(parts, 'checkpoints.jsonl'), line.repeat(250_000));
    const made = join(folder, 'made.bst');
    const { code, stderr, rss } = await inLittleMemory('import', parts, '-o', made);
    expect([code, stderr]).toEqual([0, '']);
    expect(rss).toBeLessThan(MOST_RSS);
  });
});
