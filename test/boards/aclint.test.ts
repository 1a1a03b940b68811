/** QEMU's `aclint=on`: a hart makes supervisor software interrupts pending, its own and another's. */
import { expect, test } from 'vitest';
import * as asm from '../lockstep/encode.js';
import { bootBytes, MemoryFile, replay } from '../support/sessions.js';

const { addi } = asm.IMMEDIATE_OPS;
const { csrrs, csrrw, csrrc } = asm.CSR_OPS;
const CSR = { mie: 0x304, mip: 0x344, mhartid: 0xf14 };
const [T0, T1, S0, S1, A0] = [5, 6, 8, 9, 10];
const SSIP = 2;
const sswi = asm.lui(T0, 0x2f00);
const set = (hart: number): number[] => [addi(T1, 0, 1), asm.STORES.sw(T1, T0, 4 * hart)];

/** Hart 1 sleeps until hart 0 wakes it; each keeps in s0 what mip was, and in s1 what it is once cleared. */
const code = [
  csrrs(A0, CSR.mhartid, 0),
  sswi,
  addi(T1, 0, SSIP),
  asm.BRANCHES.bne(A0, 0, 4 * 6),
  ...set(0),
  ...set(1),
  asm.jal(0, 4 * 3),
  csrrw(0, CSR.mie, T1),
  asm.WFI,
  csrrs(S0, CSR.mip, 0),
  addi(T1, 0, SSIP),
  csrrc(0, CSR.mip, T1),
  csrrs(S1, CSR.mip, 0),
  asm.LOADS.lw(A0, T0, 0),
  asm.jal(0, 0),
];

const boot = (aclint: boolean) =>
  bootBytes('sswi', asm.assemble(code), { config: { harts: 2, ...(aclint ? { aclint } : {}) } });

const registers = (session: ReturnType<typeof boot>['session'], hart: number) =>
  [S0, S1, A0].map(number => Buffer.from(session.readRegister(hart, number) ?? []).readUInt32LE() & SSIP);

test.each([true, false])(
  'SETSSIP makes the interrupt pending (compiled code: %s), as the recording has it',
  async jit => {
    const { session } = bootBytes('sswi', asm.assemble(code), { config: { harts: 2, aclint: true }, jit });
    const file = new MemoryFile();
    session.record(file);
    await session.runToEnd({ maxIcount: 20_000 });
    for (const hart of [0, 1]) expect(registers(session, hart)).toEqual([SSIP, 0, 0]);
    session.close();
    const again = replay(file.read(), { jit: !jit }).session;
    await again.verify();
    for (const hart of [0, 1]) expect(registers(again, hart)).toEqual([SSIP, 0, 0]);
  },
);

test('without it nothing answers there', async () => {
  const { session } = boot(false);
  // No handler: the store ends at address 0.
  await session.runToEnd({ maxIcount: 500 });
  expect(Buffer.from(session.readRegister(0, 32) ?? []).readUInt32LE()).toBe(0);
  expect(session.memoryMap().map(({ name }) => name)).not.toContain('aclintSswi');
});
