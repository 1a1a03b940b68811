import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainCsrs } from '../../src/riscv/csr-table.js';
import { parseIsa } from '../../src/riscv/isa-text.js';
import * as asm from '../lockstep/encode.js';
import { difference, makeTwins, pictureOf, twinConfig } from './twins.js';

const RUNS = process.env.BACKSTUB_FULL !== undefined ? 200 : 15;
const CODE = 0x8000_0000;
const HANDLER = 0x8000_1000;
const ISA = { 64: 'rv64imafdcsu', 32: 'rv32imafdcsu' } as const;
const [MSTATUS, SSTATUS, MIE, MIP] = [0x300, 0x100, 0x304, 0x344];

/** As generated code does it and as the host does it: one machine's interpreter knows no plain CSRs. */
describe.each([64, 32] as const)('RV%i: CSRs that are bits of the state', xlen => {
  const plain = plainCsrs(parseIsa(ISA[xlen])).map(csr => csr.number);
  /** mtvec and stvec stay, so that traps go to the handler. */
  const numbers = [...plain, MIE, MIP].filter(number => number !== 0x305 && number !== 0x105);
  const access = fc.record({
    encode: fc.constantFrom(...Object.values(asm.CSR_OPS), ...Object.values(asm.CSR_OPS_IMMEDIATE)),
    rd: fc.integer({ min: 0, max: 15 }),
    source: fc.integer({ min: 0, max: 15 }),
  });
  /** Each row at least once, in any order; what lets interrupts be taken more often. */
  const every = [...numbers, MSTATUS, MSTATUS, SSTATUS];
  const accesses = fc
    .tuple(
      fc.shuffledSubarray(every, { minLength: every.length }),
      fc.array(access, { minLength: every.length, maxLength: every.length }),
    )
    .map(([csrs, forms]) => forms.map(({ encode, rd, source }, i) => encode(rd, csrs[i], source)));

  test('are read and written alike, in every mode and with interrupts pending', () => {
    let compiled = 0;
    fc.assert(
      fc.property(
        accesses,
        fc.array(fc.tuple(fc.integer(), fc.integer()), { minLength: 16, maxLength: 16 }),
        fc.record({
          mode: fc.constantFrom(0, 1, 3, 3),
          lines: fc.constantFrom(0, 0, 2, 0x80, 0x22a),
          enabled: fc.constantFrom(0, 0x222, 0xaaa),
          delegated: fc.constantFrom(0, 0x222),
          status: fc.integer(),
        }),
        (operations, registers, start) => {
          const code = asm.assemble([...operations, asm.jal(0, -4 * operations.length)]);
          // Past the instruction that trapped, or back to the one that was interrupted, and into any mode.
          const [epc, cause, scratch] = [0x341, 0x342, 0x340];
          const handler = asm.assemble([
            asm.CSR_OPS.csrrw(30, scratch, 30),
            asm.CSR_OPS.csrrs(30, cause, 0),
            asm.BRANCHES.blt(30, 0, 16),
            asm.CSR_OPS.csrrs(30, epc, 0),
            asm.IMMEDIATE_OPS.addi(30, 30, 4),
            asm.CSR_OPS.csrrw(0, epc, 30),
            asm.CSR_OPS.csrrs(30, scratch, 0),
            asm.MRET,
          ]);
          const images = [
            { name: 'code', address: CODE, bytes: code },
            { name: 'handler', address: HANDLER, bytes: handler },
          ];
          const twins = makeTwins(twinConfig(ISA[xlen]), images);
          const { interpreted: reference } = makeTwins(twinConfig(ISA[xlen]), images);
          const { memory } = reference.board;
          memory.u8.fill(0, memory.plan.isaTable, memory.plan.isaTable + 4096);
          const machines = [twins.interpreted, twins.compiled, reference];
          for (const { board } of machines) {
            const { state, csrs } = board.harts[0];
            for (const [number, [low, high]] of registers.entries()) {
              if (number === 0) continue;
              state.x[2 * number] = low;
              state.x[2 * number + 1] = xlen === 64 ? high : 0;
            }
            csrs.execute(MSTATUS, 0, false, true, start.status >>> 0, 0);
            state.privilege = start.mode;
            state.mtvec[0] = state.stvec[0] = HANDLER;
            state.pmpcfg[0] = 0x1f;
            state.pmpaddr[0] = 0x3fffffff;
            state.mie[0] = start.enabled;
            state.mideleg[0] = start.delegated;
            state.lines = start.lines;
            state.pc[0] = CODE;
            board.harts[0].afterRestore();
          }
          for (const until of [1, 2, 3, 7, 600, 601, 2500, 5000]) {
            for (const machine of machines) machine.run(until, { idle: 'jump' });
            const [a, b, c] = machines.map(pictureOf);
            expect(difference(reference, a, c), `interpreter, step ${until}`).toBe('');
            expect(difference(reference, b, c), `regions, step ${until}`).toBe('');
          }
          compiled += twins.compiled.board.engine.regions!.statistics.compiled;
        },
      ),
      { numRuns: RUNS },
    );
    expect(compiled).toBeGreaterThan(RUNS / 2);
  });
});
