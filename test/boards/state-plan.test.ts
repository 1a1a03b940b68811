/** What a machine's declared state is can be asked without a machine: commands that compare and describe build none. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { planOf } from '../../src/boards/state-plan.js';
import { buildProgram } from '../../src/cli/program.js';
import type { Checkpoint, Recording } from '../../src/replay/recording.js';
import { compareRecordings } from '../../src/replay/recording-diff.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { writeRecording } from '../../src/replay/recording-writer.js';
import { MemorySink } from '../replay/recordings.js';
import { REPOSITORY } from '../support/sessions.js';

const GOOD = join(REPOSITORY, 'fixtures/recordings/v2.bst');
const folder = mkdtempSync(join(tmpdir(), 'backstub-plan-'));
const BAD = join(folder, 'bad.bst');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = readRecording(readFileSync(GOOD));
/** The receiver's FIFO of the UART has one byte more at the first checkpoint behind the start. */
const bad: Recording = { ...good, checkpoints: spoilt([...good.checkpoints]) };

function spoilt([first, second, ...others]: readonly Checkpoint[]): Checkpoint[] {
  const plan = planOf(good.header.config);
  const { offset, layout } = plan.components.find(({ name }) => name === 'uart0')!;
  const state = second.state.slice();
  state[offset + layout.offsetOf('rxCount')] ^= 1;
  return [first, { ...second, state, digests: { ...second.digests, uart0: '0123456789abcdef' } }, ...others];
}

describe('without guest memory', () => {
  const { Memory, Instance } = WebAssembly;
  beforeEach(() => {
    const refuse = vi.fn(() => {
      throw new Error('a machine was built');
    });
    Object.assign(WebAssembly, { Memory: refuse, Instance: refuse });
  });
  afterEach(() => {
    Object.assign(WebAssembly, { Memory, Instance });
  });

  test('fields that differ have their names', () => {
    const { difference } = compareRecordings(good, bad, () => planOf(good.header.config));
    expect(difference).toMatchObject({
      kind: 'checkpoint',
      components: ['uart0'],
      fields: [{ component: 'uart0', field: 'rxCount' }],
    });
  });

  test.each([
    [['info', GOOD], 0],
    [['diff', GOOD, GOOD], 0],
    [['diff', GOOD, BAD], 1],
  ])('backstub %s exits with %i', async (words, expected) => {
    const sink = new MemorySink();
    writeRecording(sink, bad);
    writeFileSync(BAD, sink.bytes);
    let code: number | undefined;
    const program = buildProgram('0', async body => {
      code = await body();
    });
    await program.parseAsync(words, { from: 'user' });
    expect(code).toBe(expected);
  });
});
