/**
 * What `verify --bisect` says when the engines differ. They do not, so one machine is broken on purpose: all else is as
 * the command does it, the other engine and the recording included.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { VirtMachine } from '../../src/boards/build-machine.js';
import { explainDivergence } from '../../src/cli/explain-divergence.js';
import { DivergenceError } from '../../src/replay/divergence.js';
import { breakAt } from '../support/broken-machine.js';
import { bootFixture, fixture, REPOSITORY, replay, savedPart } from '../support/sessions.js';

const BREAKS_AT = 812_345;
const S11 = 27;
const DEMO = { name: 'demo.elf', bytes: readFileSync(join(REPOSITORY, fixture('rv64', 'demo'))) };

const demo = async () => {
  const live = bootFixture(fixture('rv64', 'demo'));
  await live.session.runToEnd({ maxIcount: 1_000_000 });
  return live;
};

const faults: [string, boolean, (machine: VirtMachine) => void, RegExp, RegExp][] = [
  [
    'a compiled one in a register',
    true,
    ({ board }) => {
      board.harts[0].state.x[2 * S11] ^= 0x100;
    },
    /in hart0: hart 0, pc 0x8[0-9a-f]{7} is_outlier, instruction 0x[0-9a-f]{4,8}$/,
    /^backstub: hart0\.x\[27\]: compiled 0x100, interpreted 0x0$/,
  ],
  [
    'an interpreted one in memory',
    false,
    ({ board: { memory } }) => {
      const address = memory.hostAddressOfPage(0x70) + 0x123;
      memory.beforeWrite(address, 1);
      memory.u8[address] ^= 0x40;
    },
    /in ram: hart 0, pc 0x8[0-9a-f]{7} is_outlier, instruction 0x[0-9a-f]{4,8}$/,
    /^backstub: memory at 0x80070123: interpreted 4000000000000000, compiled 0000000000000000$/,
  ],
];

test.each(faults)('%s that is wrong: the step and the field', async (_what, compiled, fault, step, field) => {
  const whole = await savedPart(await demo(), {});
  const part = await savedPart(replay(whole), { from: 500_000 });
  for (const recording of [whole, part]) {
    const begin = recording.header.start?.icount ?? 0;
    const { session } = replay(recording, { jit: compiled, symbols: [DEMO] });
    breakAt(session, BREAKS_AT, fault);
    const error: unknown = await session.verify().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DivergenceError);
    const said: string[] = [];
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(line => said.push(String(line)) > 0);
    try {
      await explainDivergence(error, session, recording, compiled);
    } finally {
      stderr.mockRestore();
    }
    const [comparing, found, ...details] = said.map(line => line.trimEnd());
    expect(comparing).toBe(
      `backstub: comparing a compiled and an interpreted replay between icount ${begin} and 1000000`,
    );
    expect(found).toContain(`backstub: they part in the step after icount ${BREAKS_AT - 1}, `);
    expect(found).toMatch(step);
    expect(details).toEqual([expect.stringMatching(field)]);
  }
});
