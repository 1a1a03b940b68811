/**
 * Recordings that somebody made up or spoilt, their checksums right or not, and all that is done with one: it ends
 * well, or in one line.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeRecording } from '../../src/cli/recording-text.js';
import { describeEvent } from '../../src/ports/input-event.js';
import { ByteWriter } from '../../src/replay/byte-codec.js';
import { DivergenceError } from '../../src/replay/divergence.js';
import { eventJson } from '../../src/replay/event-json.js';
import { CHUNK_TYPES } from '../../src/replay/format.js';
import type { Recording } from '../../src/replay/recording.js';
import { compareRecordings } from '../../src/replay/recording-diff.js';
import { importParts } from '../../src/replay/recording-parts.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { writeRecording } from '../../src/replay/recording-writer.js';
import { InputError } from '../../src/state/input-error.js';
import { TargetError } from '../../src/timeline/debug-target.js';
import { Random } from '../lockstep/random.js';
import { MemoryFile, REPOSITORY, replay } from '../support/sessions.js';
import { chunksOf, type ForgedChunk, forge } from './forged.js';
import { partsInMemory } from './recordings.js';

const bases = ['v3.bst', 'v3-signal.bst', 'v1.bst'].map(file =>
  chunksOf(new Uint8Array(readFileSync(join(REPOSITORY, 'fixtures/recordings', file)))),
);
const sound = readRecording(forge(bases[1]));

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];

function spoiltBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(Math.max(1, bytes.length));
  const out = new ByteWriter();
  switch (random.below(6)) {
    case 0: {
      const flipped = bytes.slice();
      if (flipped.length > 0) flipped[at] ^= 1 << random.below(8);
      return flipped;
    }
    case 1: {
      const set = bytes.slice();
      if (set.length > 0) set[at] = random.pick(INTERESTING);
      return set;
    }
    case 2:
      return bytes.slice(0, at);
    case 3:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + random.below(8))]);
    case 4:
      out.raw(bytes.subarray(0, at));
      out.varint(random.pick([0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, random.word()]));
      out.raw(bytes.subarray(at + 1));
      return out.take();
    default: {
      const length = random.below(64);
      return Uint8Array.from([...bytes.subarray(at), ...bytes.subarray(at, at + length)]);
    }
  }
}

/** A number in the header becomes another, or a name does. */
function spoiltHeader(content: Uint8Array, random: Random): Uint8Array {
  const json = new TextDecoder().decode(content);
  const values = [
    '0',
    '-1',
    '1e300',
    '9007199254740991',
    '4294967296',
    'null',
    '[]',
    '{}',
    '"x"',
    'true',
    '1.5',
  ];
  const members = [...json.matchAll(/"[^"]*":(?:\d+|"[^"]*"|true|false|\[[^[\]]*\])/g)];
  // A header that was cut may have none left.
  if (members.length === 0) return spoiltBytes(content, random);
  const member = random.pick(members);
  const [name] = member[0].split(':');
  const changed = random.chance(20) ? '"other":1' : `${name}:${random.pick(values)}`;
  return new TextEncoder().encode(
    json.slice(0, member.index) + changed + json.slice(member.index + member[0].length),
  );
}

function spoil(chunks: readonly ForgedChunk[], random: Random): ForgedChunk[] {
  const spoilt = [...chunks];
  for (let changes = random.between(1, 3); changes > 0; changes--) {
    // Images are most of a file, and mean nothing to a reader.
    const candidates = [...spoilt.keys()].filter(
      i => spoilt[i].type !== CHUNK_TYPES.image || random.chance(5),
    );
    if (candidates.length === 0) break;
    const at = random.pick(candidates);
    const chunk = spoilt[at];
    switch (random.below(9)) {
      case 0:
        spoilt.splice(at, 1);
        break;
      case 1:
        spoilt.splice(random.below(spoilt.length), 0, chunk);
        break;
      case 2:
        spoilt[at] = { ...chunk, type: random.between(0, 63) };
        break;
      case 4: {
        const cut = random.below(chunk.content.length + 1);
        const [front, back] = [chunk.content.subarray(0, cut), chunk.content.subarray(cut)];
        spoilt.splice(at, 1, { ...chunk, content: front }, { ...chunk, content: back });
        break;
      }
      case 3:
        spoilt[at] = {
          ...chunk,
          stored: 'bomb',
          declared: random.pick([0, 1, chunk.content.length + 1, 2 ** 40]),
        };
        break;
      default:
        spoilt[at] = {
          ...chunk,
          content:
            chunk.type === CHUNK_TYPES.header && random.chance(80)
              ? spoiltHeader(chunk.content, random)
              : spoiltBytes(chunk.content, random),
        };
    }
  }
  return spoilt;
}

function text(said: unknown): void {
  if (typeof said !== 'string') throw new Error(`${String(said)} is no text`);
}

/** Looks at all of it, as the commands do. */
function use(recording: Recording): void {
  for (const line of describeRecording(recording)) text(line);
  for (const { icount, event } of recording.events) {
    text(describeEvent(event));
    text(eventJson({ icount, event }));
  }
  compareRecordings(recording, sound, () => {
    throw new InputError('no plan is needed to compare other machines');
  });
  const parts = partsInMemory(recording);
  importParts(path => parts.get(path) ?? new Uint8Array(0));
  writeRecording(new MemoryFile(), recording);
}

/** Machines that are small and histories that are short, so that many can be tried. */
const isShort = ({ header: { config, start }, end }: Recording) =>
  config.ramBytes <= 64 << 20 && end.icount - (start?.icount ?? 0) <= 500_000;

async function verify(recording: Recording): Promise<void> {
  const { session } = replay(recording, { jit: false });
  try {
    await session.verify();
  } finally {
    session.close();
  }
}

const isRefusal = (error: unknown): error is Error =>
  error instanceof InputError || error instanceof TargetError || error instanceof DivergenceError;

/** A file, of which its reader knows nothing: chunks are spoilt, or the bytes themselves. */
export function spoiltFile(random: Random): Uint8Array {
  const file = forge(spoil(random.pick(bases), random));
  if (random.chance(10)) return file.subarray(0, random.below(file.length));
  return random.chance(10) ? spoiltBytes(file, random) : file;
}

/** Reads a file and does all that is done with recordings; false: it was refused. Throws for what must not be. */
async function tryFile(file: Uint8Array, random: Random): Promise<boolean> {
  try {
    const recording = readRecording(file, { name: 'a.rec', tolerant: random.chance(20) });
    use(recording);
    if (isShort(recording) && random.chance(10)) await verify(recording);
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (error instanceof InputError && !/^[^\n]+$/.test(error.message))
      throw new Error(`not one line: ${error.message}`);
    return false;
  }
}

export interface Tried {
  readonly used: number;
  readonly refused: number;
  /** How long the slowest took, in milliseconds. */
  readonly slowestMs: number;
}

/** So many files, all of them decided by the seed; `hear` is shown each. Throws for what must not be. */
export async function tryRecordings(
  seed: number,
  count: number,
  hear: (file: Uint8Array, index: number) => Promise<void> = async () => {},
): Promise<Tried> {
  const random = new Random(seed);
  let used = 0;
  let slowestMs = 0;
  for (let i = 0; i < count; i++) {
    const from = performance.now();
    const file = spoiltFile(random);
    try {
      if (await tryFile(file, random)) used++;
      slowestMs = Math.max(slowestMs, performance.now() - from);
      await hear(file, i);
    } catch (error) {
      throw new Error(`seed ${seed}, try ${i}: ${String(error)}`, { cause: error });
    }
  }
  return { used, refused: count - used, slowestMs };
}
