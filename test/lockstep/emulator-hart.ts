import type { VirtMachine } from '../../src/boards/build-machine.js';
import { buildMachine } from '../../src/boards/build-machine.js';
import type { EngineOptions } from '../../src/engine/engine.js';
import { type MachineConfig, newSettings } from '../../src/ports/config.js';
import { REGISTER_NUMBER } from '../../src/riscv/registers.js';
import type { Xlen } from '../support/qemu.js';
import type { LockstepHart } from './lockstep.js';

export const IMAC_ISA: Readonly<Record<Xlen, string>> = {
  32: 'rv32imac_zicntr_zicsr_zifencei',
  64: 'rv64imac_zicntr_zicsr_zifencei',
};

export const IMACS_ISA: Readonly<Record<Xlen, string>> = {
  32: 'rv32imacsu_zicntr_zicsr_zifencei',
  64: 'rv64imacsu_zicntr_zicsr_zifencei',
};

const NO_OUTPUT = { serial: { write: () => {} } };

export function testMachine(
  isa: string,
  changes: Partial<MachineConfig> = {},
  engine?: EngineOptions,
): VirtMachine {
  const xlen = isa.startsWith('rv32') ? 32 : 64;
  const config: MachineConfig = newSettings({
    xlen,
    isa,
    ramBytes: 4 << 20,
    icountShift: 0,
    entry: 0x8000_0000,
    rtcSeconds: 0,
    ...changes,
  });
  return buildMachine(config, [], NO_OUTPUT, engine);
}

/** Hart 0 of our machine. */
export class EmulatorHart implements LockstepHart {
  readonly xlen: Xlen;
  readonly machine: VirtMachine;
  readonly #numbers: ReadonlyMap<string, number>;

  /** `isa` as in MachineConfig. */
  constructor(isa: string, changes?: Partial<MachineConfig>, engine?: EngineOptions) {
    this.machine = testMachine(isa, changes, engine);
    this.xlen = this.machine.config.xlen;
    const rows = this.machine.debug.description.features.flatMap(feature => feature.registers);
    this.#numbers = new Map(rows.map(({ name, number }) => [name, number]));
  }

  loadProgram(bytes: Uint8Array, address: number): void {
    this.#bare(() => {
      if (!this.machine.debug.writeMemory(0, BigInt(address), bytes))
        throw new Error(`no memory at 0x${address.toString(16)}`);
    });
  }

  readMemory(address: number, length: number): Uint8Array {
    return this.#bare(() => this.machine.debug.readMemory(0, BigInt(address), length));
  }

  setRegister(register: number | 'pc', value: bigint): void {
    this.#write(register === 'pc' ? REGISTER_NUMBER.pc : register, value);
  }

  enterMachineMode(): void {
    this.#write(REGISTER_NUMBER.privilege, 3n);
  }

  step(): void {
    this.run(1);
  }

  run(steps: number): void {
    const { machine } = this;
    const until = machine.icount + steps;
    const stop = machine.run(until, { idle: 'jump' });
    if (stop.kind !== 'limit' || machine.icount !== until)
      throw new Error(
        `the run of ${steps} steps ended by ${stop.kind} ${until - machine.icount} steps early`,
      );
  }

  registers(): { pc: bigint; x: bigint[] } {
    return {
      pc: this.#read(REGISTER_NUMBER.pc),
      x: Array.from({ length: 32 }, (_, register) => this.#read(register)),
    };
  }

  csrs(names: readonly string[]): bigint[] {
    return names.map(name => {
      const number = this.#numbers.get(name);
      if (number === undefined) throw new Error(`the emulator has no register ${name}`);
      return this.#read(number);
    });
  }

  /** Addresses are physical, as in a debugger that looks at a hart in machine mode. */
  #bare<T>(act: () => T): T {
    const { state } = this.machine.board.harts[0]!;
    const { privilege } = state;
    state.privilege = 3;
    try {
      return act();
    } finally {
      state.privilege = privilege;
    }
  }

  #read(number: number): bigint {
    const bytes = this.machine.debug.readRegister(0, number);
    if (bytes === undefined) throw new Error(`the emulator has no register ${number}`);
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  #write(number: number, value: bigint): void {
    const bytes = new Uint8Array(new BigUint64Array([BigInt.asUintN(this.xlen, value)]).buffer);
    if (!this.machine.debug.writeRegister(0, number, bytes))
      throw new Error(`register ${number} does not take 0x${value.toString(16)}`);
  }
}
