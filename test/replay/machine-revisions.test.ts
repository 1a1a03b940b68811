import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MACHINE_REVISION } from '../../src/ports/revisions.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { bootFixture, REPOSITORY, replay } from '../support/sessions.js';

const FOLDER = join(REPOSITORY, 'fixtures/revisions');
/**
 * What the firmware `revisions` says on each: whether an SC fails after writes of another hart, and interrupts of one
 * raise.
 */
const SAYS = ['sc 0, irq +\n', 'sc 1, irq 1\n'];
const revisions = SAYS.map((text, i) => ({ revision: i + 1, text }));

test('there is a recording of each revision', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(revisions.map(({ revision }) => `${revision}.bst`));
  expect(revisions.length).toBe(MACHINE_REVISION);
});

test.each(revisions)(
  'a recording of revision $revision replays as it was: $text',
  async ({ revision, text }) => {
    const bytes = new Uint8Array(readFileSync(join(FOLDER, `${revision}.bst`)));
    const recording = readRecording(bytes, { name: `${revision}.bst` });
    expect(recording.header.config.machineRevision).toBe(revision);
    for (const jit of [true, false]) {
      const { session, console } = replay(recording, { jit });
      const verified = await session.verify();
      expect(verified.checkpoints).toBe(recording.checkpoints.length);
      expect(verified.notCompared).toEqual([]);
      expect(console.text.replaceAll('\r', '')).toBe(text);
      session.close();
    }
  },
);

test('a machine that is made now is of the last revision', async () => {
  const { session, console } = bootFixture('fixtures/rv64/revisions.elf', { config: { harts: 2 } });
  await session.runToEnd({});
  expect(console.text.replaceAll('\r', '')).toBe(SAYS.at(-1));
  session.close();
});
