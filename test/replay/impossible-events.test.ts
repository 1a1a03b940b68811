/** Inputs that no machine of the recording's kind can have been given end a replay in one line, and crash nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { InputEvent } from '../../src/ports/input-event.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { ReplayMismatch } from '../../src/timeline/debug-target.js';
import { REPOSITORY, replay } from '../support/sessions.js';

/** A machine without any device but the 16550; what it takes stands below. */
const recording = readRecording(
  new Uint8Array(readFileSync(join(REPOSITORY, 'fixtures/recordings/v3-signal.bst'))),
);
const bytes = (length: number) => new Uint8Array(length).fill(0x41);

async function verifyWith(event: InputEvent) {
  const logged = { icount: 50_000, event };
  const checkpoints = [...recording.checkpoints].filter(({ icount }) => icount < logged.icount);
  const { session } = replay({ ...recording, events: [logged], checkpoints }, { jit: false });
  try {
    return await session.verify();
  } finally {
    session.close();
  }
}

test.each<[InputEvent, string]>([
  [{ kind: 'console', port: 1, bytes: bytes(1) }, 'there is no console 1'],
  [{ kind: 'console', port: 2 ** 40, bytes: bytes(1) }, 'there is no console 1099511627776'],
  [{ kind: 'network', port: 0, bytes: bytes(60) }, 'there is no network device 0'],
  [{ kind: 'input', device: 0, type: 1, code: 2, value: 1 }, 'there is no input device 0'],
  [{ kind: 'audio-in', bytes: bytes(100) }, 'there is no sound device that captures'],
  [{ kind: 'block', disk: 0, request: 0 }, 'there is no disk 0'],
  [{ kind: 'entropy', bytes: bytes(8) }, 'its randomness comes from a seed'],
  [{ kind: 'write-register', hart: 1, register: 5, bytes: bytes(8) }, 'there is no hart 1'],
  [{ kind: 'write-register', hart: 0, register: 5, bytes: bytes(9) }, 'no register is so wide'],
  [{ kind: 'write-memory', hart: 7, address: '0000000080000000', bytes: bytes(8) }, 'there is no hart 7'],
  [{ kind: 'warp', ns: 1 }, 'it is 400000 ns already'],
])('%o: %s', async (event, why) => {
  const error = await verifyWith(event).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ReplayMismatch);
  expect((error as Error).message).toMatch(
    /^the replay differs from the recording: at icount 50000 this machine cannot take the input "[^\n]+": /,
  );
  expect((error as Error).message).toContain(`: ${why}; it agreed up to icount`);
});

test.each<InputEvent>([
  { kind: 'console', port: 0, bytes: bytes(100_000) },
  { kind: 'write-register', hart: 0, register: 2 ** 50, bytes: bytes(8) },
  { kind: 'write-register', hart: 0, register: 5, bytes: bytes(0) },
  { kind: 'write-memory', hart: 0, address: 'ffffffffffffffff', bytes: bytes(100) },
  { kind: 'write-memory', hart: 0, address: '0000000080000000', bytes: bytes(0) },
  { kind: 'warp', ns: 400_000 },
  { kind: 'reset', cause: 'script' },
])('%o is odd, but crashes nothing', async event => {
  const outcome = await verifyWith(event).catch((thrown: unknown) => thrown);
  if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ReplayMismatch);
});
