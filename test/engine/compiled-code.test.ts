import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VirtMachine } from '../../src/boards/build-machine.js';
import { type MachineStop, NO_POINTS, type PointSet } from '../../src/machine/machine.js';
import { IMAC_ISA, IMACS_ISA } from '../lockstep/emulator-hart.js';
import * as asm from '../lockstep/encode.js';
import { Random } from '../lockstep/random.js';
import { type RandomProgram, randomProgram } from '../lockstep/random-program.js';
import { floatProgram } from '../riscv/float-program.js';
import type { Xlen } from '../support/qemu.js';
import { difference, makeTwins, pictureOf, restore, type Twins, twinConfig } from './twins.js';

const MTIMECMP = 0x0200_4000n;
const MSTATUS_MIE = 8;
const MIE_MTIE = 0x80;

type Kind = 'plain' | 'paging' | 'floats';

const ISA: Record<Kind, (xlen: Xlen) => string> = {
  plain: xlen => IMAC_ISA[xlen],
  paging: xlen => IMACS_ISA[xlen],
  floats: xlen => `rv${xlen}imafdc`,
};

/** Two machines that look out for the same. */
type PointedTwins = Twins & { points: PointSet };

/** The program, for ever: at its end it starts again, in whatever mode it is then. */
function endless({ seed, xlen, kind }: { seed: number; xlen: Xlen; kind: Kind }): {
  program: RandomProgram;
  twins: PointedTwins;
} {
  const program =
    kind === 'floats'
      ? floatProgram(new Random(seed), seed, xlen, 80)
      : randomProgram({ seed, xlen, length: 40, paging: kind === 'paging' });
  program.bytes.set(asm.assemble([asm.jal(0, program.entry - program.end)]), program.end - program.address);
  const pair = makeTwins(twinConfig(ISA[kind](xlen)), [
    { name: 'program', address: program.address, bytes: program.bytes },
    { name: 'scratch', ...program.scratch },
  ]);
  const twins: PointedTwins = { ...pair, points: NO_POINTS };
  for (const machine of [twins.interpreted, twins.compiled]) {
    const { state } = machine.board.harts[0];
    state.pc[0] = program.entry;
    state.mie[0] = MIE_MTIE;
  }
  return { program, twins };
}

const both = ({ interpreted, compiled }: Twins, act: (machine: VirtMachine) => void) => {
  act(interpreted);
  act(compiled);
};

function runBoth(
  { interpreted, compiled, points }: PointedTwins,
  until: number,
  passHit: boolean,
): MachineStop {
  const run = (machine: VirtMachine) => {
    // A step with nothing to look out for, as a debugger takes one off a breakpoint.
    if (passHit) machine.run(machine.icount + 1, {});
    return machine.run(until, { points });
  };
  const expected = run(interpreted);
  const actual = run(compiled);
  expect(actual).toEqual(expected);
  expect(difference(compiled, pictureOf(compiled), pictureOf(interpreted))).toBe('');
  return expected;
}

function disturb(random: Random, program: RandomProgram, twins: PointedTwins): void {
  const codeAddress = () => program.address + 2 * random.below((program.end - program.address) / 2);
  switch (random.below(6)) {
    case 0: {
      const addresses = Array.from({ length: random.below(4) }, () => ({ low: codeAddress(), high: 0 }));
      twins.points = { ...twins.points, breakpoints: addresses };
      break;
    }
    case 1: {
      const ranges = Array.from({ length: random.below(3) }, () => ({
        kind: random.pick(['write', 'read', 'access'] as const),
        low: program.scratch.address + random.below(0x3000),
        high: 0,
        length: random.between(1, 8),
      }));
      twins.points = { ...twins.points, watchpoints: ranges };
      break;
    }
    case 2: {
      // A timer interrupt, some steps from now.
      const ticks = new Uint8Array(8);
      const now = twins.interpreted.virtualNs / 100;
      new DataView(ticks.buffer).setUint32(0, now + random.below(30), true);
      both(twins, machine => {
        machine.debug.writeMemory(0, MTIMECMP, ticks);
        machine.board.harts[0].state.mstatus[0] |= MSTATUS_MIE;
      });
      break;
    }
    case 3: {
      // A debugger changes code: a compressed nop over whatever is there.
      const at = codeAddress();
      both(twins, machine => machine.debug.writeMemory(0, BigInt(at), Uint8Array.of(1, 0)));
      break;
    }
    case 4: {
      const pictures = pictureOf(twins.interpreted);
      runBoth(twins, twins.interpreted.icount + random.between(1, 3000), false);
      both(twins, machine => restore(machine, pictures));
      break;
    }
    default:
  }
}

const KINDS = (['plain', 'paging', 'floats'] as const).flatMap(kind =>
  ([64, 32] as const).map(xlen => ({ kind, xlen })),
);

describe.each(KINDS)('rv$xlen, $kind: compiled code does what the interpreter does', ({ xlen, kind }) => {
  test('at random stops, with breakpoints, watchpoints, interrupts, changed code and restores', () => {
    let compiled = 0;
    fc.assert(
      fc.property(fc.nat(), seed => {
        const { program, twins } = endless({ seed, xlen, kind });
        const random = new Random(seed);
        let passHit = false;
        for (let stops = 0; stops < 40; stops++) {
          const far = random.chance(30) ? random.between(1, 300) : random.between(300, 6000);
          const stop = runBoth(twins, twins.interpreted.icount + far, passHit);
          passHit = stop.kind === 'hit';
          if (stop.kind !== 'hit' && random.chance(60)) disturb(random, program, twins);
        }
        compiled += twins.compiled.board.engine.regions!.statistics.compiled;
      }),
      { numRuns: 12 },
    );
    expect(compiled).toBeGreaterThan(100);
  });

  test('at every stop in a window, from a restored state', () => {
    fc.assert(
      fc.property(fc.nat(), seed => {
        const { twins } = endless({ seed, xlen, kind });
        const { interpreted, compiled } = twins;
        both(twins, machine => machine.run(4000, { idle: 'jump' }));
        const start = pictureOf(compiled);
        interpreted.run(5000, { idle: 'jump' });
        for (let until = 5000; until < 5200; until++) {
          interpreted.run(until, { idle: 'jump' });
          restore(compiled, start);
          compiled.run(until, { idle: 'jump' });
          expect(difference(compiled, pictureOf(compiled), pictureOf(interpreted))).toBe('');
        }
        expect(compiled.board.engine.regions!.statistics.compiled).toBeGreaterThan(0);
      }),
      { numRuns: 3 },
    );
  });
});
