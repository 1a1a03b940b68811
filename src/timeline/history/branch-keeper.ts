import type { InputEvent } from '../../ports/input-event.js';
import { type BranchStatus, TargetError } from '../debug-target.js';
import type { GuestOutput } from '../output/guest-output.js';
import type { Branch } from './branch.js';
import { InferiorCall } from './inferior-call.js';
import type { Navigator } from './navigator.js';

const POWERED_OFF = 'the machine is powered off here: step back before you change something';

/** A branch that a change in the past has just begun: it may be no more than a call, such as `print f()`. */
interface Excursion {
  readonly branch: Branch;
  readonly parent: Branch;
  readonly call: InferiorCall;
}

/**
 * Keeps recorded history from being changed: a change in the past begins a branch. When a debugger did nothing else
 * than to call a function, and all registers are back, the machine is on its old course again, as if nothing had
 * happened. A branch that lives on is announced.
 */
export class BranchKeeper {
  readonly #branches: Branch[];
  #excursion: Excursion | undefined;
  #notices: string[] = [];
  #forks = 0;

  constructor(
    readonly navigator: Navigator,
    readonly output: GuestOutput,
    /** Takes back host input that entered on a branch that is no more. */
    readonly giveBack: (events: readonly InputEvent[]) => void,
  ) {
    this.#branches = [navigator.branch];
  }

  get all(): readonly Branch[] {
    return this.#branches;
  }

  get main(): Branch {
    return this.#branches[0];
  }

  /** To be called before a change: begins a branch when the present is not the end of a live history. */
  beforeChange(hart: number): void {
    const { navigator } = this;
    const { machine, history } = navigator;
    if (machine.poweredOff) throw new TargetError(POWERED_OFF);
    if (navigator.atEnd && history.mode === 'live') {
      this.#excursion?.call.beforeChange();
      return;
    }
    if (navigator.warped) throw new TargetError('the machine is between two moments: step first');
    this.#keep();
    const call = new InferiorCall(machine.debug.callView, hart);
    const parent = navigator.branch;
    const branch = navigator.fork(`branch${++this.#forks}`);
    this.#branches.push(branch);
    this.output.onBranch(branch);
    this.#excursion = { branch, parent, call };
  }

  /** To be called after a register was written: ends a call that has put everything back. */
  afterRegisterWrite(hart: number, register: number): void {
    const call = this.#excursion?.call;
    if (call === undefined) return;
    call.wroteRegister(hart, register);
    if (call.over) this.#abandon();
    else this.#keepUnlessCall();
  }

  afterMemoryWrite(hart: number, address: bigint, length: number): void {
    this.#excursion?.call.wroteMemory(hart, address, length);
    this.#keepUnlessCall();
  }

  afterOtherChange(): void {
    this.#keep();
  }

  /** To be called when the machine is about to run or step. */
  beforeMove(stopsAt: (address: bigint) => boolean): void {
    this.#excursion?.call.resuming(stopsAt);
    this.#keepUnlessCall();
  }

  /** To be called when the user goes elsewhere, or names this moment: the branch is meant. */
  beforeLeaving(): void {
    this.#keep();
  }

  /** Lines for the user, each once. It is asked for where none is in the middle of preparing a call. */
  takeNotices(): readonly string[] {
    if (this.#excursion?.call.changing) this.#keep();
    const notices = this.#notices;
    this.#notices = [];
    return notices;
  }

  list(): BranchStatus[] {
    return this.#branches.map(branch => ({
      name: branch.name,
      parent: branch.parent?.name,
      forkedAt: branch.parent === undefined ? branch.history.begin : branch.forkedAt.icount,
      end: branch.history.end,
      current: branch === this.navigator.branch,
    }));
  }

  /** Makes another branch the current one; the machine stands where it begins. */
  switchTo(name: string): Branch {
    const branch = this.#named(name);
    this.#excursion = undefined;
    if (branch !== this.navigator.branch) this.navigator.enter(branch);
    this.output.onBranch(branch);
    return branch;
  }

  drop(name: string): void {
    const branch = this.#named(name);
    if (branch.parent === undefined) throw new TargetError(`${name} is what really happened: it stays`);
    if (this.#branches.some(other => other.parent === branch)) {
      throw new TargetError(`another branch begins on ${name}: drop that first`);
    }
    if (branch === this.navigator.branch) throw new TargetError(`the machine is on ${name}: switch first`);
    this.#remove(branch);
  }

  #keepUnlessCall(): void {
    if (this.#excursion?.call.possible === false) this.#keep();
  }

  #keep(): void {
    if (this.#excursion === undefined) return;
    const { branch, parent } = this.#excursion;
    this.#excursion = undefined;
    this.#notices.push(
      `This is ${branch.name} now: it left ${parent.name}, whose history stays, at icount ${branch.forkedAt.icount} (monitor branch list).`,
    );
  }

  #abandon(): void {
    if (this.#excursion === undefined) return;
    const { branch, parent } = this.#excursion;
    this.#excursion = undefined;
    // Nobody has heard of it: the next branch may have its name.
    this.#forks--;
    const [start] = branch.snapshots.all;
    this.navigator.branch = parent;
    this.navigator.restore(start);
    this.output.onBranch(parent);
    this.giveBack(branch.history.log.slice(start.at.cursor).map(({ event }) => event));
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
