/** What of a machine tells a debugger's call of a guest's function from other changes. */
export interface CallView {
  /** Registers that a debugger saves before a call and puts back after it. */
  readonly saved: readonly number[];
  /** The same, and those that show parts of them. */
  readonly touched: ReadonlySet<number>;
  readonly linkRegister: number;
  readonly stackRegister: number;
  read(hart: number, register: number): bigint;
}

type Registers = readonly bigint[];

interface Bytes {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * Tells an inferior call, `print f(3)`, from changes that are meant to last, by what GDB's infcall.c does: it writes to
 * the free stack, then registers, among them the link register; resumes with a breakpoint where that points to; and in
 * the end puts every register back. Whatever else is changed on the way is the user's: then this is no call alone.
 */
export class InferiorCall {
  /** What will be put back: one set for each call under way, outermost first. */
  readonly #saved: Registers[];
  #resumed = false;
  #possible = true;
  // Since the machine last moved:
  /** Registers before the first change. */
  #before: Registers | undefined;
  #first: 'register' | 'memory' | undefined;
  #linked = false;
  #written: Bytes[] = [];

  /** To be made before the first change. */
  constructor(
    readonly view: CallView,
    readonly hart: number,
  ) {
    this.#before = this.#registers();
    this.#saved = [this.#before];
  }

  /** False once something was changed that a call does not change. */
  get possible(): boolean {
    return this.#possible;
  }

  /** Whether something was changed since the machine last moved, and not by a call that is over. */
  get changing(): boolean {
    return this.#first !== undefined;
  }

  /** Every register is as it was before: what was done in between was a call, or was taken back. */
  get over(): boolean {
    return this.#possible && this.#written.length === 0 && equal(this.#registers(), this.#saved[0]);
  }

  beforeChange(): void {
    this.#before ??= this.#registers();
  }

  wroteRegister(hart: number, register: number): void {
    if (hart !== this.hart || !this.view.touched.has(register)) this.#possible = false;
    this.#first ??= 'register';
    this.#linked ||= register === this.view.linkRegister;
    this.#endInnerCall();
  }

  wroteMemory(hart: number, start: bigint, length: number): void {
    // A call begins with what it puts on the stack: registers that were written before are not its own.
    if (hart !== this.hart || this.#first === 'register') this.#possible = false;
    this.#first ??= 'memory';
    this.#written.push({ start, end: start + BigInt(length) });
  }

  /** To be called before the machine moves. */
  resuming(stopsAt: (address: bigint) => boolean): void {
    if (this.#first !== undefined && !this.#calls(stopsAt)) this.#possible = false;
    this.#begin();
  }

  #begin(): void {
    this.#before = undefined;
    this.#first = undefined;
    this.#linked = false;
    this.#written = [];
  }

  /** A call within the call is over when its registers are back: it has changed nothing since the stop. */
  #endInnerCall(): void {
    if (this.#saved.length < 2 || this.#written.length > 0) return;
    const now = this.#registers();
    const level = this.#saved.findLastIndex(saved => equal(saved, now));
    if (level < 1) return;
    this.#saved.length = level;
    this.#begin();
  }

  #calls(stopsAt: (address: bigint) => boolean): boolean {
    const { view, hart } = this;
    const before = this.#before ?? this.#registers();
    const stack = before[view.saved.indexOf(view.stackRegister)];
    const lowered = view.read(hart, view.stackRegister);
    const onFreeStack = this.#written.every(({ start, end }) => start >= lowered && end <= stack);
    if (!this.#linked || lowered > stack || !onFreeStack) return false;
    if (!stopsAt(view.read(hart, view.linkRegister))) return false;
    if (this.#resumed) this.#saved.push(before);
    this.#resumed = true;
    return true;
  }

  #registers(): Registers {
    return this.view.saved.map(register => this.view.read(this.hart, register));
  }
}

const equal = (a: Registers, b: Registers): boolean => a.every((value, i) => value === b[i]);
