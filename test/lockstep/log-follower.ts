import type { VirtMachine } from '../../src/boards/build-machine.js';
import { NO_INTERRUPT } from '../../src/machine/hart.js';
import { REGISTER_NUMBER } from '../../src/riscv/registers.js';
import { type CpuLog, isAboveFirmware, type LoggedRegisters } from './cpu-log.js';
import { BOOT_DIFFERENCES, type BootDifference } from './differences.js';

const MTIP = 1 << 7;
const NS_PER_TICK = 100;
const CSR_TIME = 0xc01;

const FETCH_ACCESS_FAULT = 1;
const FETCH_PAGE_FAULT = 12;
const OPCODE_SYSTEM = 0x73;
/** What a trap into M mode writes. */
const TRAP_CSRS: ReadonlySet<string> = new Set(['mstatus', 'mepc', 'mcause', 'mtval']);

const hex = (low: number, high: number) =>
  `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}`;

/**
 * Hart 0 of a machine, stepped along what QEMU has logged of its own, and compared at every instruction.
 *
 * Time is made equal where the guest can see it, and only there: the machine's clock is slower than QEMU's, and jumps
 * ahead to QEMU's when the guest reads the time or QEMU's timer interrupt is pending. An interrupt's entry is a step
 * here and none in the log.
 */
export class LogFollower {
  /** Instructions compared. */
  instructions = 0;
  /** Interrupts taken on the way. */
  interrupts = 0;
  /** How often each kind of difference that is by design was made good. */
  readonly resynchronised = new Map<BootDifference, number>();
  #last: LoggedRegisters | undefined;
  /** The instruction has run here, and QEMU is about to start it anew. */
  #ahead = false;
  #pastSkipped = false;
  readonly #pc: number;
  readonly #mip: number;
  readonly #x0: number;
  readonly #traps: readonly { readonly cause: number; readonly epc: number }[];
  readonly #csrs: readonly { readonly name: string; readonly index: number; readonly number: number }[];

  constructor(
    readonly machine: VirtMachine,
    log: CpuLog,
    /** An instruction that QEMU's log does not have the first time: a debugger led QEMU past it. */
    readonly skipped: number,
    /** The log lacks the firmware: its instructions run uncompared. */
    readonly aboveFirmware: boolean,
  ) {
    this.#pc = 2 * log.indexOf('pc');
    this.#mip = 2 * log.indexOf('mip');
    this.#x0 = 2 * log.indexOf('x0');
    this.#traps = ['m', 's'].map(mode => ({
      cause: 2 * log.indexOf(`${mode}cause`),
      epc: 2 * log.indexOf(`${mode}epc`),
    }));
    const numbers = new Map(
      machine.debug.description.features
        .flatMap(({ registers }) => registers)
        .map(({ name, number }) => [name, number]),
    );
    this.#csrs = log.names.flatMap((name, i) => {
      const number = numbers.get(name);
      return number === undefined || number < REGISTER_NUMBER.firstCsr
        ? []
        : [{ name, index: 2 * i, number }];
    });
  }

  /** Takes the next step of the log. Returns what differs afterwards, as one line each; nothing when all is equal. */
  follow(logged: LoggedRegisters): readonly string[] {
    const before = this.#pcText();
    if (this.#last === undefined) this.#runTo(logged[this.#pc]!, logged[this.#pc + 1]!);
    else if (!this.#ahead) {
      if (this.#interruptedInstead(logged)) this.#warpTo(this.machine.board.time.nextDeadline(), 'mip.MTIP');
      else this.#step(logged);
    }
    if (!this.#pastSkipped && this.machine.board.harts[0]!.state.pc[0] === this.skipped) {
      this.#pastSkipped = true;
      this.#count(BOOT_DIFFERENCES.find(({ what }) => what === 'satp')!);
      this.#step(logged);
    }
    if (this.#fetchFails(logged)) this.#run();
    this.#meetInterrupts(logged);
    const differing = this.#compare(logged);
    const again = this.#last?.every((word, i) => word === logged[i]) ?? false;
    this.#last = logged;
    this.#ahead = differing.length > 0 && again;
    if (this.#ahead) return [];
    this.instructions++;
    return differing.map(text => `instruction ${this.instructions}, after ${before}: ${text}`);
  }

  #step(logged: LoggedRegisters): void {
    const bits = this.#instruction();
    const isCsr = (bits & 0x7f) === OPCODE_SYSTEM && (bits & 0x7000) !== 0;
    const csr = bits >>> 20;
    const rd = (bits >>> 7) & 31;
    const low = logged[this.#x0 + 2 * rd]!;
    const high = logged[this.#x0 + 2 * rd + 1]!;
    if (isCsr && csr === CSR_TIME && rd !== 0) this.#warpTo((high * 2 ** 32 + low) * NS_PER_TICK, 'time');
    this.#run();
    const difference = isCsr ? BOOT_DIFFERENCES.find(({ csrs }) => csrs?.includes(csr)) : undefined;
    if (difference === undefined) return;
    const { x, pc } = this.machine.board.harts[0]!.state;
    const trapped = pc[0] !== logged[this.#pc];
    if (!trapped && x[2 * rd] === low && x[2 * rd + 1] === high) return;
    this.#count(difference);
    this.#write(rd, low, high);
    if (!trapped) return;
    this.#write(REGISTER_NUMBER.pc, logged[this.#pc]!, logged[this.#pc + 1]!);
    for (const { name, index, number } of this.#csrs)
      if (TRAP_CSRS.has(name)) this.#write(number, logged[index]!, logged[index + 1]!);
  }

  #write(register: number, low: number, high: number): void {
    const bytes = new Uint8Array(new Uint32Array([low, high]).buffer);
    this.machine.apply({ kind: 'write-register', hart: 0, register, bytes });
  }

  /** Nothing is logged of an instruction that cannot be fetched but the handler that follows. */
  #fetchFails(logged: LoggedRegisters): boolean {
    const { pc } = this.machine.board.harts[0]!.state;
    if (pc[0] === logged[this.#pc] && pc[1] === logged[this.#pc + 1]) return false;
    return this.#traps.some(
      ({ cause, epc }) =>
        (logged[cause] === FETCH_PAGE_FAULT || logged[cause] === FETCH_ACCESS_FAULT) &&
        logged[cause + 1] === 0 &&
        logged[epc] === pc[0] &&
        logged[epc + 1] === pc[1],
    );
  }

  /** QEMU logs an instruction and then does not run it when an interrupt comes first. */
  #interruptedInstead(logged: LoggedRegisters): boolean {
    const { pc } = this.machine.board.harts[0]!.state;
    const isPc = (registers: LoggedRegisters, at: number) =>
      registers[at] === pc[0] && registers[at + 1] === pc[1];
    return this.#traps.some(
      ({ cause, epc }) => logged[cause + 1]! >>> 31 === 1 && isPc(logged, epc) && !isPc(this.#last!, epc),
    );
  }

  #meetInterrupts(logged: LoggedRegisters): void {
    const hart = this.machine.board.harts[0]!;
    const due = (logged[this.#mip]! & MTIP) !== 0;
    if (due && (hart.traps.pending & MTIP) === 0)
      this.#warpTo(this.machine.board.time.nextDeadline(), 'mip.MTIP');
    for (;;) {
      const interrupted = hart.traps.interrupt() !== NO_INTERRUPT;
      const [low, high] = hart.state.pc;
      if (!interrupted && !(this.aboveFirmware && !isAboveFirmware(low!, high!))) return;
      if (interrupted) this.interrupts++;
      this.#run();
    }
  }

  /** From reset to the log's first instruction. */
  #runTo(low: number, high: number): void {
    const { machine } = this;
    const points = { breakpoints: [{ low, high }], watchpoints: [] };
    machine.run(Number.MAX_SAFE_INTEGER, { points });
  }

  #run(): void {
    const { machine } = this;
    machine.run(machine.icount + 1, { idle: 'jump' });
  }

  #warpTo(ns: number, what: string): void {
    if (!Number.isFinite(ns) || ns <= this.machine.virtualNs) return;
    this.#count(BOOT_DIFFERENCES.find(difference => difference.what === what)!);
    this.machine.apply({ kind: 'warp', ns });
  }

  #count(difference: BootDifference): void {
    this.resynchronised.set(difference, (this.resynchronised.get(difference) ?? 0) + 1);
  }

  #compare(logged: LoggedRegisters): string[] {
    const { state } = this.machine.board.harts[0]!;
    const differing: string[] = [];
    const check = (name: string, low: number, high: number, index: number) => {
      if (low >>> 0 === logged[index] && high >>> 0 === logged[index + 1]) return;
      differing.push(`${name} is ${hex(low, high)}, should be ${hex(logged[index]!, logged[index + 1]!)}`);
    };
    check('pc', state.pc[0]!, state.pc[1]!, this.#pc);
    for (let i = 1; i < 32; i++) check(`x${i}`, state.x[2 * i]!, state.x[2 * i + 1]!, this.#x0 + 2 * i);
    const view = this.machine.debug.view(0);
    for (const { name, index, number } of this.#csrs) {
      view.readRegister(number);
      check(name, view.low, view.high, index);
    }
    return differing;
  }

  /** The instruction at pc, looked at as a debugger does: nothing changes. */
  #instruction(): number {
    const view = this.machine.debug.view(0);
    const { pc } = this.machine.board.harts[0]!.state;
    return view.readMemory(pc[0]!, pc[1]!, 4) ? view.low : 0;
  }

  #pcText(): string {
    const { pc } = this.machine.board.harts[0]!.state;
    return `${hex(this.#instruction(), 0)} at pc ${hex(pc[0]!, pc[1]!)}`;
  }
}
