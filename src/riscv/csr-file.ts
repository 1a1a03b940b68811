import { type BitCsr, privilegeOf, readBits, writeBits } from './csr-bits.js';
import type { ExtensionStates } from './extension-state.js';
import type { HartState } from './hart-state.js';
import { CSR_OPERATION } from './isa/csr-instructions.js';
import { type HartConfig, MSTATUS, PRIVILEGE } from './privileged.js';

/** A register that is more than bits. */
export interface ComputedCsr {
  readonly name: string;
  readonly number: number;
  /** Puts the value into the file's low and high words; they are zero when it is called. */
  read(file: CsrFile): void;
  /** The value that csrrs and csrrc start from where it is not what they return (mip). */
  readForUpdate?(file: CsrFile): void;
  /** Absent: writes are ignored. */
  write?(file: CsrFile, low: number, high: number): void;
  /** Only instructions that also write may read it: reading changes something. */
  readonly consumed?: true;
  /** A condition beyond the privilege that the number says. */
  permits?(file: CsrFile): boolean;
  readonly bits?: undefined;
}

export type Csr = BitCsr | ComputedCsr;

/** Whether writes are heard at all. */
export const isWritable = (csr: Csr): boolean => csr.bits !== undefined || csr.write !== undefined;

/** What CSRs reach outside the hart for. */
export interface CsrPorts {
  /** Steps of this hart so far, the one under way not counted. */
  steps(): number;
  /** mtime, as two words put into `out`. */
  readTime(out: CsrFile): void;
  /** 16 random bits, or -1 when there are none yet. */
  randomHalf(): number;
  /** Interrupt enables, pending bits or the privilege's view of them changed. */
  interruptsChanged(): void;
  /** Another address space is in force: satp. */
  addressSpaceChanged(): void;
  /** What page tables allow changed: MXR. */
  translationChanged(): void;
  /** Loads and stores act in another mode now: MPRV, MPP, SUM. */
  viewChanged(): void;
  pmpChanged(): void;
  /** What the supervisor's timer depends on: stimecmp, menvcfg.STCE. */
  timerChanged(): void;
  /** What triggers match (Sdtrig). */
  triggersChanged(): void;
}

/**
 * The control and status registers of one hart. 64-bit values travel as two words in `low` and `high`,
 * so that no access allocates.
 */
export class CsrFile {
  /** Value just read, or about to be written. */
  low = 0;
  high = 0;
  /** Whether the write under way is a debugger's, not an instruction's. */
  poking = false;
  readonly hasSupervisor: boolean;
  readonly hasFloat: boolean;

  /** `table` is indexed by CSR number. */
  constructor(
    readonly table: readonly (Csr | undefined)[],
    readonly hartId: number,
    readonly config: HartConfig,
    readonly state: HartState,
    readonly extensionStates: ExtensionStates,
    readonly ports: CsrPorts,
  ) {
    this.hasSupervisor = config.extensions.has('s');
    this.hasFloat = config.extensions.has('f');
  }

  /**
   * One CSR instruction (unprivileged spec 9.1). The old value is left in low/high.
   * Returns false for an illegal access; then nothing has changed.
   */
  execute(
    number: number,
    operation: number,
    reads: boolean,
    writes: boolean,
    operandLow: number,
    operandHigh: number,
  ): boolean {
    const csr = this.table[number];
    if (csr === undefined || !this.#accessible(csr, writes)) return false;
    this.low = 0;
    this.high = 0;
    if (!writes) {
      this.#read(csr);
      return true;
    }
    const startsElsewhere = csr.bits === undefined && csr.readForUpdate !== undefined;
    let low = operandLow;
    let high = operandHigh;
    if (operation !== CSR_OPERATION.write) {
      if (startsElsewhere) csr.readForUpdate?.(this);
      else this.#read(csr);
      const clear = operation === CSR_OPERATION.clear;
      low = clear ? this.low & ~operandLow : this.low | operandLow;
      high = clear ? this.high & ~operandHigh : this.high | operandHigh;
    }
    if (operation === CSR_OPERATION.write ? reads : startsElsewhere) this.#read(csr);
    const oldLow = this.low;
    const oldHigh = this.high;
    this.write(csr, low >>> 0, high >>> 0);
    this.low = oldLow;
    this.high = oldHigh;
    return true;
  }

  /** Writes for the debugger: no instruction is under way that retires or that dirties the floating-point state. */
  poke(csr: Csr, low: number, high: number): void {
    this.poking = true;
    this.write(csr, low, high);
    this.poking = false;
  }

  write(csr: Csr, low: number, high: number): void {
    if (csr.bits === undefined) {
      csr.write?.(this, low, high);
      return;
    }
    const changed = writeBits(csr.bits, this.state, this.config.xlen, low, high);
    if (changed === 0) return;
    const { interrupts, translation, view } = csr.bits.on;
    if ((changed & interrupts) !== 0) this.ports.interruptsChanged();
    if ((changed & translation) !== 0) this.ports.translationChanged();
    if ((changed & view) !== 0) this.ports.viewChanged();
  }

  #read(csr: Csr): void {
    if (csr.bits === undefined) csr.read(this);
    else readBits(csr.bits, this.state, this.config.xlen, this);
  }

  /** Reads for the debugger: without the checks that a privilege mode brings. */
  peek(csr: Csr): void {
    this.low = 0;
    this.high = 0;
    if (csr.bits !== undefined || !csr.consumed) this.#read(csr);
  }

  set(low: number, high = 0): void {
    this.low = low >>> 0;
    this.high = high >>> 0;
  }

  get(pair: Uint32Array): void {
    this.low = pair[0];
    this.high = pair[1];
  }

  #accessible(csr: Csr, writes: boolean): boolean {
    if (writes && csr.number >>> 10 === 3) return false;
    if (this.state.privilege < privilegeOf(csr.number)) return false;
    if (csr.bits !== undefined) return true;
    if (!writes && csr.consumed) return false;
    return csr.permits?.(this) ?? true;
  }

  /** A counter shadow is readable when each more privileged mode lets it be (privileged spec 3.1.11). */
  counterEnabled(bit: number): boolean {
    const { privilege, mcounteren, scounteren } = this.state;
    if (privilege === PRIVILEGE.machine) return true;
    if (((mcounteren >>> bit) & 1) === 0) return false;
    const supervised = privilege === PRIVILEGE.user && this.hasSupervisor;
    return !supervised || ((scounteren >>> bit) & 1) === 1;
  }

  floatEnabled(): boolean {
    return (this.state.mstatus[0] & MSTATUS.fs) !== 0;
  }

  markFloatDirty(): void {
    this.state.mstatus[0] |= MSTATUS.fs;
  }
}
