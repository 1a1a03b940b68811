/** A hart that makes a call by semihosting: what differs between instruction sets is behind this. */

/** A value of up to 64 bits, as two unsigned words. */
export interface Word64 {
  readonly low: number;
  readonly high: number;
}

export interface SemihostingCaller {
  /** Of a register, and of a field of the block that the parameter points to. */
  readonly wordBytes: 4 | 8;
  /** Which call it is. */
  readonly operation: number;
  readonly parameter: Word64;
  /** Physical address as a debugger sees it: no protection, no side effects; negative when unmapped. */
  physical(low: number, high: number): number;
  /** The hart sleeps, whatever interrupts are pending, until the call is finished. */
  wait(): void;
  /** Sets the result; a hart that waited goes on behind the call. */
  finish(result: Word64): void;
}
