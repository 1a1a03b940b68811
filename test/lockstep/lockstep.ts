import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Xlen } from '../support/qemu.js';
import type { RandomProgram } from './random-program.js';

type Maybe<T> = T | Promise<T>;

/** One hart of a machine that can be stepped: QEMU's, or ours. Register values are unsigned, XLEN bits wide. */
export interface LockstepHart {
  readonly xlen: Xlen;
  /** Writes guest memory at a physical address. Registers stay as they are. */
  loadProgram(bytes: Uint8Array, address: number): Maybe<void>;
  readMemory(address: number, length: number): Maybe<Uint8Array>;
  /** `register` is 0 for x0 to 31 for x31, or 'pc'. */
  setRegister(register: number | 'pc', value: bigint): Maybe<void>;
  /** Puts the hart into M mode, whatever ran before. */
  enterMachineMode(): Maybe<void>;
  /** One instruction, or the trap entry that it causes. */
  step(): Maybe<void>;
  registers(): Maybe<{ readonly pc: bigint; readonly x: readonly bigint[] }>;
  /** The values of the CSRs named, in that order. */
  csrs(names: readonly string[]): Maybe<readonly bigint[]>;
}

/** CSRs compared after every step. */
export const COMPARED_CSRS = ['mstatus', 'mepc', 'mcause', 'mtval', 'mscratch'] as const;

export interface Mismatch {
  readonly seed: number;
  /** Steps made, the differing one included. */
  readonly step: number;
  /** Where the instruction stands that was executed differently. */
  readonly pc: bigint;
  readonly instruction: string;
  /** `x5`, `pc`, `mtval` or `memory 0x80010040`. */
  readonly what: string;
  readonly expected: bigint;
  readonly found: bigint;
}

export interface Comparison {
  readonly steps: number;
  readonly mismatches: readonly Mismatch[];
}

export interface CompareOptions {
  readonly csrs?: readonly string[];
  /** Most steps made; a program that has not reached its end by then is no error. */
  readonly maxSteps?: number;
}

/**
 * Runs a program on two harts side by side and compares pc, x registers and CSRs after every step, and the
 * scratch memory at the end. Stops at the first step that differs: what follows would only be its echo.
 */
export async function compareProgram(
  program: RandomProgram,
  reference: LockstepHart,
  subject: LockstepHart,
  options: CompareOptions = {},
): Promise<Comparison> {
  const csrs = options.csrs ?? COMPARED_CSRS;
  const maxSteps = options.maxSteps ?? program.maxSteps;
  await Promise.all([prepare(reference, program), prepare(subject, program)]);
  let pc = BigInt(program.entry);
  for (let step = 1; step <= maxSteps; step++) {
    const [expected, found] = await Promise.all([stepAndRead(reference, csrs), stepAndRead(subject, csrs)]);
    const differing = [...expected.keys()].filter(name => expected.get(name) !== found.get(name));
    if (differing.length > 0) {
      const instruction = await describeInstruction(reference, pc);
      const mismatches = differing.map(what => ({
        seed: program.seed,
        step,
        pc,
        instruction,
        what,
        expected: expected.get(what)!,
        found: found.get(what)!,
      }));
      return { steps: step, mismatches };
    }
    pc = expected.get('pc')!;
    if (pc === BigInt(program.end))
      return { steps: step, mismatches: await compareScratch(program, reference, subject, step) };
  }
  return { steps: maxSteps, mismatches: await compareScratch(program, reference, subject, maxSteps) };
}

export function formatMismatch(mismatch: Mismatch): string {
  const { seed, step, pc, instruction, what, expected, found } = mismatch;
  return `seed ${seed}, step ${step}, pc 0x${pc.toString(16)}: ${instruction}: ${what} is 0x${found.toString(16)}, should be 0x${expected.toString(16)}`;
}

async function prepare(hart: LockstepHart, program: RandomProgram): Promise<void> {
  await hart.loadProgram(program.bytes, program.address);
  await hart.loadProgram(program.scratch.bytes, program.scratch.address);
  await hart.enterMachineMode();
  for (let register = 1; register < 32; register++) await hart.setRegister(register, 0n);
  await hart.setRegister('pc', BigInt(program.entry));
}

async function stepAndRead(hart: LockstepHart, names: readonly string[]): Promise<Map<string, bigint>> {
  await hart.step();
  const [{ pc, x }, csrs] = await Promise.all([hart.registers(), hart.csrs(names)]);
  const values = new Map<string, bigint>([['pc', pc]]);
  for (let i = 1; i < 32; i++) values.set(`x${i}`, x[i]!);
  names.forEach((name, i) => {
    values.set(name, csrs[i]!);
  });
  return values;
}

async function compareScratch(
  program: RandomProgram,
  reference: LockstepHart,
  subject: LockstepHart,
  step: number,
): Promise<Mismatch[]> {
  const { address, bytes } = program.scratch;
  const expected = await reference.readMemory(address, bytes.length);
  const found = await subject.readMemory(address, bytes.length);
  const at = expected.findIndex((byte, i) => byte !== found[i]);
  if (at < 0) return [];
  return [
    {
      seed: program.seed,
      step,
      pc: BigInt(program.end),
      instruction: 'after the program',
      what: `memory 0x${(address + at).toString(16)}`,
      expected: BigInt(expected[at]!),
      found: BigInt(found[at]!),
    },
  ];
}

async function describeInstruction(hart: LockstepHart, pc: bigint): Promise<string> {
  const bytes = await readInstruction(hart, Number(pc));
  if (!bytes) return 'no memory at pc';
  const hex = [...bytes]
    .reverse()
    .map(byte => byte.toString(16).padStart(2, '0'))
    .join('');
  return `${hex} ${disassemble(bytes, hart.xlen, pc)}`.trim();
}

async function readInstruction(hart: LockstepHart, pc: number): Promise<Uint8Array | undefined> {
  try {
    const bytes = await hart.readMemory(pc, 4);
    return bytes.subarray(0, (bytes[0]! & 3) === 3 ? 4 : 2);
  } catch {
    return undefined;
  }
}

/** Empty when binutils for RISC-V are not installed: the hex word is always printed beside it. */
function disassemble(bytes: Uint8Array, xlen: Xlen, pc: bigint): string {
  const folder = mkdtempSync(join(tmpdir(), 'backstub-lockstep-'));
  try {
    const file = join(folder, 'instruction.bin');
    writeFileSync(file, bytes);
    const text = execFileSync(
      'riscv64-unknown-elf-objdump',
      ['-D', '-b', 'binary', '-m', `riscv:rv${xlen}`, '-M', 'no-aliases,numeric'].concat([
        `--adjust-vma=0x${pc.toString(16)}`,
        file,
      ]),
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    return text.match(/^ *[0-9a-f]+:\t[0-9a-f]+\s+(.*)$/m)?.[1]?.replace(/\s+/g, ' ') ?? '';
  } catch {
    return '';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
