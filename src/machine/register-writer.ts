import { type Csr, CsrFile } from '../riscv/csr-file.js';
import type { RiscvHart } from '../riscv/hart.js';
import { HART_STATE } from '../riscv/hart-state.js';
import { REGISTER_NUMBER, registerName } from '../riscv/registers.js';
import type { MachineBehaviour } from './revisions.js';

/** A register's value as two unsigned words. */
type Words = readonly [low: number, high: number];

/** A debugger's writes of one hart's registers: no instruction runs, nothing but the register changes. */
export class RegisterWriter {
  /** Its state and CSRs once more, to try out what a write would leave. */
  readonly #trial: CsrFile;

  constructor(
    readonly hart: RiscvHart,
    readonly behaviour: MachineBehaviour,
  ) {
    const { csrs, config } = hart;
    const state = HART_STATE.bind(new ArrayBuffer(HART_STATE.byteLength), 0);
    const nothing = () => {};
    this.#trial = new CsrFile(csrs.table, hart.id, config, state, {
      steps: () => csrs.ports.steps(),
      readTime: out => csrs.ports.readTime(out),
      randomHalf: () => -1,
      interruptsChanged: nothing,
      addressSpaceChanged: nothing,
      translationChanged: nothing,
      viewChanged: nothing,
      pmpChanged: nothing,
    });
  }

  /** Why a register would not hold these bytes afterwards; undefined when it would. */
  refusal(register: number, bytes: Uint8Array): string | undefined {
    const wanted = wordsOf(bytes);
    const held = this.#heldAfter(register, wanted);
    const name = registerName(register, this.hart.csrs.table) ?? `register ${register}`;
    if (held === undefined) return `${name} cannot be written: it is read-only`;
    if (held[0] === wanted[0] && held[1] === wanted[1]) return undefined;
    return `${name} cannot hold ${hex(wanted)}: it would hold ${hex(held)}`;
  }

  /** False for what is no register or cannot be written. A CSR takes of the value what it can hold. */
  write(register: number, bytes: Uint8Array): boolean {
    const { state, config, csrs } = this.hart;
    const [low, high] = wordsOf(bytes);
    const top = config.xlen === 64 ? high : 0;
    if (register === 0) return true;
    if (register > 0 && register < REGISTER_NUMBER.pc) {
      state.x[2 * register] = low;
      state.x[2 * register + 1] = top;
      return true;
    }
    if (register === REGISTER_NUMBER.pc) {
      state.pc[0] = (low & ~1) >>> 0;
      state.pc[1] = top;
      return true;
    }
    if (register === REGISTER_NUMBER.privilege) {
      if (!this.#isPrivilege(low)) return false;
      state.privilege = low;
      return true;
    }
    if (register >= REGISTER_NUMBER.f0 && register < REGISTER_NUMBER.firstCsr) {
      if (!config.extensions.has('f')) return false;
      const index = 2 * (register - REGISTER_NUMBER.f0);
      state.f[index] = low;
      state.f[index + 1] = config.extensions.has('d') ? high : 0xffffffff;
      return true;
    }
    const csr = csrs.table[register - REGISTER_NUMBER.firstCsr];
    if (csr?.write === undefined) return false;
    if (this.behaviour.debuggerCsrWrite === 'exact') csrs.poke(csr, low, top);
    else csr.write(csrs, low, top);
    return true;
  }

  /** What a register would show after a write; undefined where nothing can be written. */
  #heldAfter(register: number, wanted: Words): Words | undefined {
    const { extensions } = this.hart.config;
    if (register === 0) return [0, 0];
    if (register > 0 && register < REGISTER_NUMBER.pc) return wanted;
    if (register === REGISTER_NUMBER.pc) return [(wanted[0] & ~1) >>> 0, wanted[1]];
    if (register === REGISTER_NUMBER.privilege) {
      const exists = wanted[1] === 0 && this.#isPrivilege(wanted[0]);
      return exists ? wanted : [this.hart.state.privilege, 0];
    }
    if (register >= REGISTER_NUMBER.f0 && register < REGISTER_NUMBER.firstCsr) {
      return extensions.has('f') ? wanted : undefined;
    }
    const csr = this.hart.csrs.table[register - REGISTER_NUMBER.firstCsr];
    return csr?.write === undefined ? undefined : this.#tryOut(csr, wanted);
  }

  #tryOut(csr: Csr, [low, high]: Words): Words {
    const trial = this.#trial;
    HART_STATE.copy(this.hart.state, trial.state);
    trial.poke(csr, low, high);
    trial.peek(csr);
    return [trial.low, trial.high];
  }

  #isPrivilege(value: number): boolean {
    return value === 0 || value === 3 || (value === 1 && this.hart.config.extensions.has('s'));
  }
}

function wordsOf(bytes: Uint8Array): Words {
  const padded = new Uint8Array(8);
  padded.set(bytes.subarray(0, 8));
  const [low, high] = new Uint32Array(padded.buffer);
  return [low, high];
}

function hex([low, high]: Words): string {
  return `0x${high === 0 ? '' : high.toString(16)}${low.toString(16).padStart(high === 0 ? 1 : 8, '0')}`;
}
