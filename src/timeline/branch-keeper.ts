import type { Branch } from './branch.js';
import { type BranchStatus, TargetError } from './debug-target.js';
import type { GuestOutput } from './guest-output.js';
import type { Player } from './player.js';

/** A branch that a change in the past has just begun: it may be a debugger's excursion, such as `print f()`. */
interface Diversion {
  readonly branch: Branch;
  readonly parent: Branch;
  readonly hart: number;
  /** What the hart's registers were before the first change. */
  readonly registers: readonly (Uint8Array | undefined)[];
  resumes: number;
  announced: boolean;
  wroteMemory: boolean;
  /** An inferior call sets the pc; other changes are meant to last. */
  movedPc: boolean;
}

/**
 * Keeps recorded history from being changed: a change in the past begins a branch. When a debugger has put all
 * registers back as they were, the excursion is over and the machine is on its old course again, as if nothing
 * had happened. A branch that lives on is announced.
 */
export class BranchKeeper {
  readonly #branches: Branch[];
  #diversion: Diversion | undefined;
  #forks = 0;

  constructor(
    readonly player: Player,
    readonly output: GuestOutput,
    /** Numbers of the general registers and the pc, which an inferior call puts back. */
    readonly registers: readonly number[],
    readonly pcRegister: number,
  ) {
    this.#branches = [player.branch];
  }

  get main(): Branch {
    return this.#branches[0];
  }

  /** To be called before a change: begins a branch when the present is not the end of a live history. */
  beforeChange(hart: number): void {
    const { player } = this;
    const { machine, history } = player;
    if (machine.poweredOff) {
      throw new TargetError('the machine is powered off here: step back before you change something');
    }
    if (player.atEnd && history.mode === 'live') return;
    if (machine.warpedHere) throw new TargetError('the machine is between two moments: step first');
    const parent = player.branch;
    const registers = this.registers.map(number => machine.debug.readRegister(hart, number)?.slice());
    const branch = player.fork(`branch${++this.#forks}`);
    this.#branches.push(branch);
    this.output.onBranch(branch.name, branch.forkedAt);
    this.#diversion = {
      branch,
      parent,
      hart,
      registers,
      resumes: 0,
      announced: false,
      wroteMemory: false,
      movedPc: false,
    };
  }

  /** To be called after a register was written: ends an excursion that has put everything back. */
  afterRegisterWrite(hart: number, register: number): void {
    const diversion = this.#diversion;
    if (diversion === undefined || diversion.hart !== hart) return;
    if (register === this.pcRegister) diversion.movedPc = true;
    // Registers that are back mean nothing when memory was changed on purpose.
    if (!diversion.movedPc && (diversion.wroteMemory || diversion.resumes > 0)) return;
    const { debug } = this.player.machine;
    const restored = this.registers.every((number, i) =>
      sameBytes(debug.readRegister(hart, number), diversion.registers[i]),
    );
    if (restored) this.#abandon(diversion);
  }

  afterMemoryWrite(): void {
    if (this.#diversion !== undefined) this.#diversion.wroteMemory = true;
  }

  /** To be called when the machine is about to move: a line for the user when a branch turns out to last. */
  beforeMove(): string | undefined {
    const diversion = this.#diversion;
    if (diversion === undefined) return undefined;
    diversion.resumes++;
    if (diversion.announced || (diversion.movedPc && diversion.resumes === 1)) return undefined;
    const { branch, parent } = diversion;
    diversion.announced = true;
    return `This is ${branch.name} now: it left ${parent.name}, whose history stays, at icount ${branch.forkedAt} (monitor branch list).`;
  }

  list(): BranchStatus[] {
    return this.#branches.map(branch => ({
      name: branch.name,
      parent: branch.parent?.name,
      forkedAt: branch.forkedAt,
      end: branch.history.end,
      current: branch === this.player.branch,
    }));
  }

  /** Makes another branch the current one; the machine stands where it begins. */
  switchTo(name: string): Branch {
    const branch = this.#named(name);
    this.#diversion = undefined;
    if (branch !== this.player.branch) this.player.enter(branch);
    this.output.onBranch(branch.name, branch.forkedAt);
    return branch;
  }

  drop(name: string): void {
    const branch = this.#named(name);
    if (branch.parent === undefined) throw new TargetError(`${name} is what really happened: it stays`);
    if (this.#branches.some(other => other.parent === branch)) {
      throw new TargetError(`another branch begins on ${name}: drop that first`);
    }
    if (branch === this.player.branch) throw new TargetError(`the machine is on ${name}: switch first`);
    this.#remove(branch);
  }

  #abandon({ branch, parent }: Diversion): void {
    this.#diversion = undefined;
    // Nobody has heard of it: the next branch may have its name.
    this.#forks--;
    const [start] = branch.snapshots.all;
    this.player.branch = parent;
    this.player.restore(start);
    this.output.onBranch(parent.name, parent.forkedAt);
    this.#remove(branch);
  }

  #remove(branch: Branch): void {
    this.#branches.splice(this.#branches.indexOf(branch), 1);
    branch.snapshots.clear();
    this.output.forgetBranch(branch.name);
  }

  #named(name: string): Branch {
    const branch = this.#branches.find(one => one.name === name);
    if (branch === undefined) throw new TargetError(`there is no branch ${name}`);
    return branch;
  }
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
