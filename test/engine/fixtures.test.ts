import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildMachine } from '../../src/boards/build-machine.js';
import { loadElf } from '../../src/boards/virt/loader.js';
import { testMachine } from '../lockstep/emulator-hart.js';
import * as asm from '../lockstep/encode.js';
import { difference, EAGER, makeTwins, pictureOf } from './twins.js';

const FIXTURES = [
  { name: 'demo', code: 1 },
  { name: 'compute', code: 0 },
  { name: 'traps', code: 0 },
];

describe.each([64, 32] as const)('fixtures with compiled code and without, RV%i', xlen => {
  test.each(FIXTURES)('$name: the same output and the same state in the end', ({ name, code }) => {
    const file = `fixtures/rv${xlen}/${name}.elf`;
    const { config } = testMachine(`rv${xlen}imac_zicntr_zicsr_zifencei`, { ramBytes: 16 << 20 });
    const { entry, images } = loadElf(name, readFileSync(file), { xlen, ramBytes: config.ramBytes });
    const ends = [{ jit: false }, { jit: true }, EAGER].map(engine => {
      const shown: number[] = [];
      const serial = { write: (byte: number) => shown.push(byte) };
      const machine = buildMachine({ ...config, entry }, images, { serial }, engine);
      machine.board.harts[0].state.pc[0] = entry;
      const stop = machine.run(Number.POSITIVE_INFINITY, { idle: 'jump' });
      return { machine, stop, console: Buffer.from(shown).toString().replaceAll('\r\n', '\n') };
    });
    const expected = readFileSync(`fixtures/expected/${name}.rv${xlen}.txt`, 'utf8');
    const [interpreted] = ends;
    for (const { machine, stop, console } of ends) {
      expect(stop).toEqual({ kind: 'power-off', code });
      expect(console).toBe(expected);
      expect(difference(machine, pictureOf(machine), pictureOf(interpreted.machine))).toBe('');
    }
    const [, normal, eager] = ends.map(({ machine }) => machine.board.engine.regions?.statistics.compiled);
    expect(eager).toBeGreaterThan(normal ?? 0);
  });
});

test('a jump to the first page of the address space faults, at every address in it', () => {
  const { config } = testMachine('rv64imac_zicntr_zicsr_zifencei');
  const code = asm.assemble([asm.jalr(0, 0, 0x400)]);
  const handler = asm.assemble([asm.jal(0, 0)]);
  const { interpreted, compiled } = makeTwins(config, [
    { name: 'code', address: 0x8000_0000, bytes: code },
    { name: 'handler', address: 0x8000_0100, bytes: handler },
  ]);
  for (const machine of [interpreted, compiled]) {
    const { state } = machine.board.harts[0];
    for (let target = 0; target < 0x800; target += 2) {
      state.pc[0] = target;
      state.mtvec[0] = 0x8000_0100;
      machine.run(machine.icount + 1, { idle: 'jump' });
      expect([state.pc[0], state.mcause[0], state.mtval[0]]).toEqual([0x8000_0100, 1, target]);
    }
  }
});
