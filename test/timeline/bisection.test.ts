import { describe, expect, test } from 'vitest';
import type { VirtMachine } from '../../src/boards/build-machine.js';
import type { Recording } from '../../src/replay/recording.js';
import { ReplayMismatch } from '../../src/timeline/debug-target.js';
import { bisect, describeStepDifference } from '../../src/timeline/search/bisection.js';
import { breakAt } from '../support/broken-machine.js';
import { bootFixture, fixture, MemoryFile, replay } from '../support/sessions.js';

async function recorded(): Promise<Recording> {
  const file = new MemoryFile();
  const { session, console } = bootFixture(fixture('rv64', 'demo'));
  session.record(file);
  for (const stopAt of [700_000, 1_500_000, 2_200_000]) {
    session.stopAtIcount(stopAt);
    await session.resume({ kind: 'continue', direction: 'forward' });
    console.type(new TextEncoder().encode(`${stopAt}\r`));
  }
  await session.runToEnd({ maxIcount: 3_000_000 });
  session.close();
  return file.read();
}

const S11 = 27;
const flipRegister = ({ board }: VirtMachine) => {
  board.harts[0].state.x[2 * S11] ^= 0x100;
};
const RAM_OFFSET = 0x7_0123;
const flipMemory = ({ board }: VirtMachine) => {
  const { memory } = board;
  const address = memory.hostAddressOfPage(0) + RAM_OFFSET;
  memory.beforeWrite(address, 1);
  memory.u8[address] ^= 0x40;
};

const NAMES = ['broken', 'sound'] as const;

describe('two replays of one recording', () => {
  test.each([1, 812_345, 2_199_999, 2_200_000, 2_999_999])(
    'part in the step in which a register flips at icount %i',
    async icount => {
      const recording = await recorded();
      const broken = breakAt(replay(recording).session, icount, flipRegister);
      const sound = replay(recording).session;
      const found = await bisect(broken, sound, 0, recording.end.icount);
      expect(found).toMatchObject({
        icount: icount - 1,
        hart: 0,
        components: ['hart0'],
        fields: [{ component: 'hart0', field: 'x', index: S11 }],
        memory: undefined,
        inputs: icount === 2_200_000 ? ['console 0 "2200000\\r"'] : [],
      });
      await sound.seek(icount - 1);
      expect(found?.pc).toBe(sound.machine.debug.programCounter(0).toString(16));
      const code = sound.readMemory(0, BigInt(`0x${found?.pc}`), 4);
      const bits = new DataView(code.buffer).getUint32(0, true).toString(16).padStart(8, '0');
      expect(bits.endsWith(found?.instruction ?? '?')).toBe(true);
      expect(describeStepDifference(found!, NAMES)[0]).toBe(
        `they part in the step after icount ${icount - 1}, in hart0: hart 0, pc 0x${found?.pc}, instruction 0x${found?.instruction}`,
      );
    },
  );

  test('part in the step in which a bit of memory flips', async () => {
    const recording = await recorded();
    const broken = breakAt(replay(recording).session, 1_777_777, flipMemory);
    const sound = replay(recording).session;
    const found = await bisect(broken, sound, 0, recording.end.icount);
    expect(found).toMatchObject({ icount: 1_777_776, components: ['ram'], fields: [] });
    expect(describeStepDifference(found!, NAMES).at(-1)).toBe(
      'memory at 0x80070123: broken 4000000000000000, sound 0000000000000000',
    );
  });

  test('part in the step before one of them ends', async () => {
    const recording = await recorded();
    const broken = breakAt(replay(recording).session, 999_999, machine => {
      machine.board.machineState.poweredOff = 1;
    });
    const error: unknown = await broken.verify().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ReplayMismatch);
    const { interval, message } = error as ReplayMismatch;
    expect(message).toContain(
      'at icount 999999, the recording goes on to 3000000, next with an input at icount',
    );
    expect(message).toMatch(/console 0 "1500000\\r"; it agreed up to icount \d+$/);
    const found = await bisect(broken, replay(recording).session, interval!.from, interval!.to);
    expect(found).toMatchObject({ icount: 999_998 });
  });

  test('that are both sound agree, whatever the recording says', async () => {
    const recording = await recorded();
    const { checkpoints } = recording;
    const last = checkpoints.at(-1)!;
    const wrong = { ...last, digests: { ...last.digests, ram: '0123456789abcdef' } };
    const spoilt = { ...recording, checkpoints: [...checkpoints].with(-1, wrong) };
    const one = replay(spoilt).session;
    await expect(one.verify()).rejects.toThrow(/up to 3000000, in ram\n {2}inputs in this interval: \d/);
    expect(await bisect(one, replay(spoilt).session, 0, 3_000_000)).toBeUndefined();
  });
});
