import type { Machine } from '../../machine/machine.js';
import type { InputEvent, ResetCause } from '../../ports/input-event.js';
import { TargetError } from '../debug-target.js';
import type { BranchKeeper } from '../history/branch-keeper.js';
import type { GuestOutput } from '../output/guest-output.js';
import type { HostInput } from './host-input.js';
import type { LiveDriver } from './live-driver.js';

/** An event of a recording has a limit; what is written beyond this is several. */
const MOST_WRITTEN_AT_ONCE = 16 * 2 ** 20;

/** What a debugger changes: input events at the end of a history, which is a new branch's where it was in the past. */
export class Changes {
  constructor(
    readonly machine: Machine,
    readonly branches: BranchKeeper,
    readonly live: LiveDriver,
    readonly input: HostInput,
    readonly output: GuestOutput,
  ) {}

  /** Why a register cannot take these bytes; undefined when it can, or has them already. */
  registerRefusal(hart: number, register: number, bytes: Uint8Array): string | undefined {
    if (this.#holds(hart, register, bytes)) return undefined;
    return this.machine.debug.refusal(hart, register, bytes);
  }

  writeRegister(hart: number, register: number, bytes: Uint8Array): void {
    // After a call GDB writes all registers, most of them as they are: that is no change.
    if (this.#holds(hart, register, bytes)) return;
    const refusal = this.machine.debug.refusal(hart, register, bytes);
    if (refusal !== undefined) throw new TargetError(refusal);
    this.branches.beforeChange(hart);
    this.#enter({ kind: 'write-register', hart, register, bytes: bytes.slice() });
    this.branches.afterRegisterWrite(hart, register);
  }

  writeMemory(hart: number, address: bigint, bytes: Uint8Array): void {
    const { debug } = this.machine;
    if (!debug.canWrite(hart, address, bytes.length)) {
      throw new TargetError(`no memory at 0x${address.toString(16)} to write ${bytes.length} bytes to`);
    }
    this.branches.beforeChange(hart);
    for (let done = 0; done < bytes.length; done += MOST_WRITTEN_AT_ONCE) {
      const digits = BigInt.asUintN(64, address + BigInt(done))
        .toString(16)
        .padStart(16, '0');
      const piece = bytes.slice(done, done + MOST_WRITTEN_AT_ONCE);
      this.#enter({ kind: 'write-memory', hart, address: digits, bytes: piece });
    }
    this.branches.afterMemoryWrite(hart, address, bytes.length);
  }

  reset(cause: ResetCause): void {
    this.branches.beforeChange(0);
    this.#enter({ kind: 'reset', cause });
    this.branches.afterOtherChange();
  }

  typeConsole(bytes: Uint8Array, port: number): void {
    this.branches.beforeChange(0);
    this.input.type(port, bytes);
    this.branches.afterOtherChange();
  }

  /** Of an input device. */
  request(event: InputEvent): void {
    this.branches.beforeChange(0);
    this.input.request(event);
    this.branches.afterOtherChange();
  }

  /** What the change itself prints is seen now, and not again when it is replayed. */
  #enter(event: InputEvent): void {
    this.live.change(event);
    this.output.reached();
  }

  #holds(hart: number, register: number, bytes: Uint8Array): boolean {
    const held = this.machine.debug.readRegister(hart, register);
    return held?.length === bytes.length && held.every((byte, i) => byte === bytes[i]);
  }
}
