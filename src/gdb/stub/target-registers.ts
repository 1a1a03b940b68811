import type { DebugTarget, RegisterDescription } from '../../timeline/debug-target.js';
import { TargetError } from '../../timeline/debug-target.js';
import type { RegisterValue } from '../rsp/reply.js';

/** Registers of a target by the numbers its description gives them. */
export class Registers {
  private readonly byNumber = new Map<number, RegisterDescription>();
  private readonly general: readonly RegisterDescription[];

  constructor(private readonly target: DebugTarget) {
    const { features, generalCount } = target.description;
    for (const register of features.flatMap(feature => feature.registers)) {
      this.byNumber.set(register.number, register);
    }
    this.general = [...this.byNumber.values()]
      .filter(({ number }) => number < generalCount)
      .sort((a, b) => a.number - b.number);
  }

  /** Undefined when there is no such register. */
  read(hart: number, number: number): RegisterValue | undefined {
    const register = this.byNumber.get(number);
    return register === undefined ? undefined : this.value(hart, register);
  }

  named(name: string): RegisterDescription | undefined {
    return [...this.byNumber.values()].find(register => register.name === name);
  }

  has(number: number): boolean {
    return this.byNumber.has(number);
  }

  get pcBits(): 32 | 64 {
    return this.pc?.bits === 32 ? 32 : 64;
  }

  readGeneral(hart: number): RegisterValue[] {
    return this.general.map(register => this.value(hart, register));
  }

  /** Throws TargetError. */
  write(hart: number, number: number, bytes: Uint8Array): void {
    const register = this.byNumber.get(number);
    if (register === undefined) throw new TargetError(`there is no register number ${number}`);
    if (register.group === 'time') {
      throw new TargetError(
        `${register.name} cannot be written: "monitor goto N" or "starti N" goes to another moment`,
      );
    }
    if (bytes.length !== register.bits / 8) {
      throw new TargetError(`${register.name} has ${register.bits / 8} bytes, not ${bytes.length}`);
    }
    this.target.writeRegister(hart, number, bytes);
  }

  /** Writes all of them, or none. Throws TargetError. */
  writeGeneral(hart: number, bytes: Uint8Array): void {
    const size = this.general.reduce((sum, { bits }) => sum + bits / 8, 0);
    if (bytes.length !== size) {
      throw new TargetError(`the general registers have ${size} bytes, not ${bytes.length}`);
    }
    let at = 0;
    const writes = this.general.map(({ number, bits }) => {
      const wanted = bytes.subarray(at, at + bits / 8);
      at += wanted.length;
      return { number, wanted };
    });
    for (const { number, wanted } of writes) {
      const refusal = this.target.registerRefusal(hart, number, wanted);
      if (refusal !== undefined) throw new TargetError(refusal);
    }
    for (const { number, wanted } of writes) this.target.writeRegister(hart, number, wanted);
  }

  /** Throws TargetError. */
  writePc(hart: number, address: bigint): void {
    const { pc } = this;
    if (pc === undefined) throw new TargetError('this target has no pc register');
    const bytes = new Uint8Array(pc.bits / 8);
    for (let at = 0; at < bytes.length; at++) bytes[at] = Number((address >> BigInt(8 * at)) & 0xffn);
    this.write(hart, pc.number, bytes);
  }

  names(): readonly RegisterDescription[] {
    return [...this.byNumber.values()].sort((a, b) => a.number - b.number);
  }

  private get pc(): RegisterDescription | undefined {
    return this.byNumber.get(this.target.description.pc);
  }

  private value(hart: number, register: RegisterDescription): RegisterValue {
    return { size: register.bits / 8, bytes: this.target.readRegister(hart, register.number) };
  }
}
