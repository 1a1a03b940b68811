/** A raw program for harts with Sstc: each sleeps in S mode between the interrupts of its own timer. */
import * as asm from '../lockstep/encode.js';

const { addi } = asm.IMMEDIATE_OPS;
const { csrrw, csrrs } = asm.CSR_OPS;
const { csrrwi, csrrsi } = asm.CSR_OPS_IMMEDIATE;

const SRET = 0x10200073;
const [ZERO, T0, T1, T2, S0] = [0, 5, 6, 7, 8];
const STIE = 0x20;
const SUPERVISOR = 0x800;
const START = 0x8000_0000;
/** Code has fixed places, so that branches and debuggers know them. */
const SUPERVISOR_CODE = START + 0x100;
const HANDLER = START + 0x180;

export const SUPERVISOR_TICKS = {
  wfi: SUPERVISOR_CODE + 0x18,
  handler: HANDLER,
  /** How many interrupts all harts have taken. */
  count: START + 0x1000,
} as const;

const at = (place: number, ...instructions: number[]) => [place, instructions] as const;

/** `every`: ticks of the time registers between two interrupts. */
export function supervisorTicks(xlen: 32 | 64, every: number): Uint8Array {
  const wide = xlen === 64;
  const [menvcfg, stimecmp] = [wide ? 0x30a : 0x31a, 0x14d];
  const machine = [
    addi(T0, ZERO, 1),
    asm.SHIFTS.slli(T0, T0, xlen - 1),
    csrrs(ZERO, menvcfg, T0),
    csrrwi(ZERO, 0x306, 2),
    addi(T0, ZERO, STIE),
    csrrw(ZERO, 0x303, T0),
    addi(T0, ZERO, -1),
    csrrw(ZERO, 0x3b0, T0),
    csrrwi(ZERO, 0x3a0, 0x1f),
    ...asm.loadConstant(T0, SUPERVISOR),
    csrrs(ZERO, 0x300, T0),
  ];
  const here = START + 4 * machine.length;
  machine.push(...asm.loadAddress(T0, SUPERVISOR_CODE, here), csrrw(ZERO, 0x341, T0));
  machine.push(...asm.loadAddress(T0, HANDLER, here + 12), csrrw(ZERO, 0x105, T0), asm.MRET);
  // The high half is out of reach while the low one is written.
  const setTimer = wide
    ? [csrrs(T1, 0xc01, ZERO), addi(T1, T1, every), csrrw(ZERO, stimecmp, T1)]
    : [
        addi(T1, ZERO, -1),
        csrrw(ZERO, 0x15d, T1),
        csrrs(T1, 0xc01, ZERO),
        addi(T1, T1, every),
        csrrw(ZERO, stimecmp, T1),
        csrrw(ZERO, 0x15d, ZERO),
      ];
  const handler = [
    ...setTimer,
    ...asm.loadAddress(T2, SUPERVISOR_TICKS.count, HANDLER + 4 * setTimer.length),
    addi(T0, ZERO, 1),
    asm.AMOS_W.add(ZERO, T2, T0),
    SRET,
  ];
  const supervisor = [
    ...(wide
      ? [csrrw(ZERO, stimecmp, ZERO), asm.NOP]
      : [csrrw(ZERO, stimecmp, ZERO), csrrw(ZERO, 0x15d, ZERO)]),
    addi(T0, ZERO, STIE),
    csrrs(ZERO, 0x104, T0),
    csrrsi(ZERO, 0x100, 2),
    addi(S0, S0, 1),
    asm.WFI,
    asm.jal(ZERO, -8),
  ];
  const image = new Uint8Array(0x1008);
  for (const [place, code] of [
    at(START, ...machine),
    at(SUPERVISOR_CODE, ...supervisor),
    at(HANDLER, ...handler),
  ])
    image.set(asm.assemble(code), place - START);
  return image;
}
