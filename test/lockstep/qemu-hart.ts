import { QemuMachine, type Xlen } from '../support/qemu.js';
import { fromTargetHex, toTargetHex } from '../support/rsp-client.js';
import type { LockstepHart } from './lockstep.js';

const PC = 32;

/**
 * Hart 0 of a QEMU 7.2 machine, stepped over its gdb stub.
 *
 * One `s` is one instruction, or the entry into the trap or interrupt that comes instead: the stop is then at
 * the handler's first instruction, which has not run. A jump to where nothing is succeeds, the access fault
 * is the next step. `wfi` with nothing pending in mip & mie gets no answer at all, so programs have none.
 */
export class QemuHart implements LockstepHart, AsyncDisposable {
  readonly xlen: Xlen;
  readonly #machine: QemuMachine;
  readonly #numbers: ReadonlyMap<string, number>;

  private constructor(xlen: Xlen, machine: QemuMachine, numbers: ReadonlyMap<string, number>) {
    this.xlen = xlen;
    this.#machine = machine;
    this.#numbers = numbers;
  }

  static async start(options: Parameters<typeof QemuMachine.start>[0]): Promise<QemuHart> {
    const machine = await QemuMachine.start(options);
    // QEMU answers `p` with nothing until the target description has been read.
    const registers = await machine.client.targetRegisters();
    // Addresses of memory packets are physical, whatever the hart's mode.
    await machine.client.demand('Qqemu.PhyMemMode:1');
    return new QemuHart(options.xlen, machine, new Map(registers.map(({ name, number }) => [name, number])));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#machine[Symbol.asyncDispose]();
  }

  async loadProgram(bytes: Uint8Array, address: number): Promise<void> {
    const CHUNK = 1024;
    const writes: Promise<string>[] = [];
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const part = bytes.subarray(at, at + CHUNK);
      const hex = Buffer.from(part).toString('hex');
      writes.push(
        this.#machine.client.demand(`M${(address + at).toString(16)},${part.length.toString(16)}:${hex}`),
      );
    }
    await Promise.all(writes);
  }

  async readMemory(address: number, length: number): Promise<Uint8Array> {
    const CHUNK = 1024;
    const reads: Promise<string>[] = [];
    for (let at = 0; at < length; at += CHUNK) {
      const part = Math.min(CHUNK, length - at);
      reads.push(this.#machine.client.demand(`m${(address + at).toString(16)},${part.toString(16)}`));
    }
    return Buffer.from((await Promise.all(reads)).join(''), 'hex');
  }

  async setRegister(register: number | 'pc', value: bigint): Promise<void> {
    await this.#write(register === 'pc' ? PC : register, value);
  }

  /**
   * Interrupts and timers while stepping: QEMU masks them unless told otherwise, and virtual time stands still.
   * mtimecmp is 0 after reset, so the timer interrupt is pending from the start.
   */
  async allowInterrupts(allowed: boolean): Promise<void> {
    const ENABLE = 1;
    const NO_IRQ = 2;
    const NO_TIMER = 4;
    const bits = allowed ? ENABLE : ENABLE | NO_IRQ | NO_TIMER;
    await this.#machine.client.demand(`Qqemu.sstep=${bits.toString(16)}`);
  }

  async enterMachineMode(): Promise<void> {
    await this.#write(this.#number('priv'), 3n);
  }

  async step(): Promise<void> {
    const reply = await this.#machine.client.request('s');
    if (!reply.startsWith('T05')) throw new Error(`QEMU answered '${reply}' to a step`);
  }

  /** Runs on until the instruction at this address is next. */
  async runTo(address: number): Promise<void> {
    const point = `0,${address.toString(16)},4`;
    await this.#machine.client.demand(`Z${point}`);
    const reply = await this.#machine.client.request('c');
    await this.#machine.client.demand(`z${point}`);
    if (!reply.startsWith('T05')) throw new Error(`QEMU answered '${reply}' when it should have stopped`);
  }

  async registers(): Promise<{ pc: bigint; x: bigint[] }> {
    const hex = await this.#machine.client.demand('g');
    const width = this.xlen / 4;
    const value = (index: number) => fromTargetHex(hex.slice(index * width, (index + 1) * width));
    return { pc: value(PC), x: Array.from({ length: 32 }, (_, i) => value(i)) };
  }

  async csrs(names: readonly string[]): Promise<bigint[]> {
    const { client } = this.#machine;
    const replies = await Promise.all(
      names.map(name => client.demand(`p${this.#number(name).toString(16)}`)),
    );
    return replies.map(fromTargetHex);
  }

  #number(name: string): number {
    const number = this.#numbers.get(name);
    if (number === undefined) throw new Error(`QEMU has no register ${name}`);
    return number;
  }

  async #write(number: number, value: bigint): Promise<void> {
    await this.#machine.client.demand(`P${number.toString(16)}=${toTargetHex(value, this.xlen)}`);
  }
}
