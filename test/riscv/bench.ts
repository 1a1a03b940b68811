import type { VirtMachine } from '../../src/boards/build-machine.js';
import type { EngineOptions } from '../../src/engine/engine.js';
import type { MachineConfig } from '../../src/ports/config.js';
import { testMachine } from '../lockstep/emulator-hart.js';
import { assemble } from '../lockstep/encode.js';

export const CODE = 0x8000_1000;
export const DATA = 0x8001_0000;
export const HANDLER = 0x8000_8000;
export const SUPERVISOR_HANDLER = 0x8000_9000;
export const MODE = { user: 0n, supervisor: 1n, machine: 3n } as const;
export const ISA64 = 'rv64imacsu';
export const ISA32 = 'rv32imacsu';

/** One machine whose registers and memory a test sets and looks at. Memory addresses are physical. */
export class Bench {
  readonly machine: VirtMachine;
  readonly #numbers: ReadonlyMap<string, number>;

  /** In machine mode, with mtvec and stvec set, and all of memory open to every mode. */
  constructor(isa: string = ISA64, changes: Partial<MachineConfig> = {}, engine?: EngineOptions) {
    this.machine = testMachine(isa, changes, engine);
    const rows = this.machine.debug.description.features.flatMap(feature => feature.registers);
    this.#numbers = new Map(rows.map(({ name, number }) => [name, number]));
    this.set({ mtvec: HANDLER, pmpaddr0: 0x3fffffff, pmpcfg0: 0x1f });
    if (this.has('stvec')) this.set({ stvec: SUPERVISOR_HANDLER });
    this.set({ pc: CODE });
  }

  get board() {
    return this.machine.board;
  }

  get hart() {
    return this.board.harts[0];
  }

  has(register: string): boolean {
    return this.#numbers.has(register);
  }

  /** By GDB's names: pc, priv, CSRs; or x0 to x31. */
  get(register: string): bigint {
    const bytes = this.machine.debug.readRegister(0, this.#number(register));
    if (bytes === undefined) throw new Error(`no register ${register}`);
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  set(values: Readonly<Record<string, bigint | number>>): void {
    for (const [register, value] of Object.entries(values)) {
      const word = BigInt.asUintN(this.machine.config.xlen, BigInt(value));
      const bytes = new Uint8Array(new BigUint64Array([word]).buffer);
      if (!this.machine.debug.writeRegister(0, this.#number(register), bytes))
        throw new Error(`register ${register} cannot be written`);
    }
  }

  load(address: number, ...instructions: number[]): void {
    this.write(address, assemble(instructions));
  }

  write(address: number, bytes: Uint8Array): void {
    const host = this.board.bus.hostAddress(address, bytes.length, false);
    if (host === 0) throw new Error(`no memory at 0x${address.toString(16)}`);
    this.board.memory.beforeWrite(host, bytes.length);
    this.board.memory.u8.set(bytes, host);
  }

  read(address: number, size: 1 | 2 | 4 | 8): bigint {
    const host = this.board.bus.hostAddress(address, size, false);
    const bytes = this.board.memory.u8.subarray(host, host + size);
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  poke(address: number, size: 1 | 2 | 4 | 8, value: bigint | number): void {
    const bytes = new Uint8Array(new BigUint64Array([BigInt.asUintN(64, BigInt(value))]).buffer);
    this.write(address, bytes.subarray(0, size));
  }

  /** Makes this many steps, all in one run. */
  step(steps = 1): void {
    const until = this.machine.icount + steps;
    const stop = this.machine.run(until, { idle: 'jump' });
    if (this.machine.icount !== until) throw new Error(`stopped early: ${stop.kind}`);
  }

  /** Runs these instructions from CODE, in the mode given; the pc after them. */
  run(mode: keyof typeof MODE, ...instructions: number[]): bigint {
    this.load(CODE, ...instructions);
    this.set({ pc: CODE, priv: MODE[mode] });
    this.step(instructions.length);
    return this.get('pc');
  }

  /** Runs one instruction from CODE: the cause and value of its trap to M mode, or undefined. */
  trapOf(mode: keyof typeof MODE, instruction: number): { cause: bigint; tval: bigint } | undefined {
    const pc = this.run(mode, instruction);
    if (pc !== BigInt(HANDLER)) return undefined;
    return { cause: this.get('mcause'), tval: this.get('mtval') };
  }

  #number(register: string): number {
    const x = /^x(\d+)$/.exec(register);
    const number = x ? Number(x[1]) : this.#numbers.get(register);
    if (number === undefined) throw new Error(`no register ${register}`);
    return number;
  }
}
