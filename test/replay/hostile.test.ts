/**
 * Recordings that somebody made up or spoilt, their checksums right: whatever is done with one ends well or in one line.
 * BACKSTUB_SEED=n shows one again; BACKSTUB_FULL=1 tries more of them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeRecording } from '../../src/cli/recording-text.js';
import { ByteWriter } from '../../src/replay/byte-codec.js';
import { DivergenceError } from '../../src/replay/divergence.js';
import { eventJson } from '../../src/replay/event-json.js';
import { describeEvent } from '../../src/replay/event-kinds.js';
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

const SEED = process.env.BACKSTUB_SEED;
const SEEDS =
  SEED === undefined
    ? Array.from({ length: process.env.BACKSTUB_FULL ? 30 : 3 }, (_, i) => i + 1)
    : [Number(SEED)];
const TRIES = process.env.BACKSTUB_FULL ? 1000 : 40;

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
    switch (random.below(8)) {
      case 0:
        spoilt.splice(at, 1);
        break;
      case 1:
        spoilt.splice(random.below(spoilt.length), 0, chunk);
        break;
      case 2:
        spoilt[at] = { ...chunk, type: random.between(0, 63) };
        break;
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

/** Looks at all of it, as the commands do. */
function use(recording: Recording): void {
  for (const line of describeRecording(recording)) expect(line).toBeTypeOf('string');
  for (const { icount, event } of recording.events) {
    expect(describeEvent(event)).toBeTypeOf('string');
    expect(eventJson({ icount, event })).toBeTypeOf('string');
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

describe('a spoilt recording', () => {
  test.each(SEEDS)('seed %i: each use of it ends well or in one line', { timeout: 600_000 }, async seed => {
    const random = new Random(seed);
    let refused = 0;
    let used = 0;
    for (let i = 0; i < TRIES; i++) {
      const file = forge(spoil(random.pick(bases), random));
      const cut = random.chance(10) ? file.subarray(0, random.below(file.length)) : file;
      try {
        const recording = readRecording(cut, { name: 'a.rec', tolerant: random.chance(20) });
        use(recording);
        used++;
        if (isShort(recording) && random.chance(10)) await verify(recording);
      } catch (error) {
        if (!isRefusal(error)) throw new Error(`seed ${seed}, try ${i}: ${String(error)}`, { cause: error });
        if (error instanceof InputError) expect(error.message).toMatch(/^[^\n]+$/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(TRIES / 4);
    expect(used).toBeGreaterThan(TRIES / 20);
  });
});
