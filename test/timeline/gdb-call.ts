/** Calls a function of the guest as gdb 13 does (gdb/infcall.c, riscv_push_dummy_code and riscv_push_dummy_call). */

import type { DebugStop, DebugTarget } from '../../src/timeline/debug-target.js';

const [RA, SP, A0, PC, F0, FFLAGS] = [1, 2, 10, 32, 33, 66];
const NOP = [0x13, 0, 0, 0];
const EBREAK = [0x73, 0, 0x10, 0];

const bytesOf = (value: bigint): Uint8Array => new Uint8Array(new BigUint64Array([value]).buffer);

export function registerOf(target: DebugTarget, register: number, hart = 0): bigint {
  const padded = new Uint8Array(8);
  padded.set(target.readRegister(hart, register) ?? []);
  return new BigUint64Array(padded.buffer)[0];
}

export function setRegister(target: DebugTarget, register: number, value: bigint, hart = 0): void {
  target.writeRegister(hart, register, bytesOf(value));
}

/** A call under way: it may stop on its way, and is over once `finish` has put the registers back. */
export class GdbCall {
  readonly #saved: readonly (readonly [number, Uint8Array])[];
  readonly #back: bigint;

  constructor(
    readonly target: DebugTarget,
    fn: bigint,
    args: readonly bigint[],
    readonly hart = 0,
  ) {
    const numbers = [...range(1, PC + 1), ...range(F0, F0 + 32), ...range(FFLAGS, FFLAGS + 3)];
    this.#saved = numbers.map(number => [number, target.readRegister(hart, number)!.slice()] as const);
    const stack = (registerOf(target, SP, hart) - 0x18n) & ~0xfn;
    this.#back = stack;
    target.writeMemory(hart, stack, new Uint8Array(NOP));
    target.writeMemory(hart, stack, new Uint8Array(EBREAK));
    for (const [i, value] of args.entries()) setRegister(target, A0 + i, value, hart);
    setRegister(target, RA, stack, hart);
    setRegister(target, SP, stack, hart);
    setRegister(target, PC, fn, hart);
  }

  /** Runs on; undefined when the function has returned. */
  async run(): Promise<DebugStop | undefined> {
    this.target.insertBreakpoint(this.#back);
    const stop = await this.target.resume({ kind: 'continue', direction: 'forward' });
    this.target.removeBreakpoint(this.#back);
    return stop.kind === 'breakpoint' && stop.address === this.#back ? undefined : stop;
  }

  /** What it returned, before everything is put back. */
  get result(): bigint {
    return registerOf(this.target, A0, this.hart);
  }

  finish(): void {
    for (const [number, bytes] of this.#saved) this.target.writeRegister(this.hart, number, bytes);
  }
}

/** A whole call: its result. */
export async function call(
  target: DebugTarget,
  fn: bigint,
  args: readonly bigint[],
  hart = 0,
): Promise<bigint> {
  const made = new GdbCall(target, fn, args, hart);
  if ((await made.run()) !== undefined) throw new Error('the call was stopped');
  const { result } = made;
  made.finish();
  return result;
}

const range = (first: number, end: number): number[] =>
  Array.from({ length: end - first }, (_, i) => first + i);
