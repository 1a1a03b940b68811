/** Questions about the whole history, as a debugger asks them. */

/** A step of the history that a question found. */
export interface FoundStep {
  /** The boundary before the step. */
  readonly icount: number;
  readonly hart: number;
  readonly pc: bigint;
}

/** `load`: what the machine was booted from; `page-walk`: A and D bits of a page table. */
export type WrittenBy = 'instruction' | 'device' | 'debugger' | 'reset' | 'page-walk' | 'load';

/**
 * A write, with the bytes before and after it as they stand in memory: those asked for, or where they are many, those
 * that it wrote. Of a debugger's write and of a load, `icount` is the boundary where it entered, and the hart's place
 * is beside the point.
 */
export interface FoundWrite extends FoundStep {
  readonly by: WrittenBy;
  readonly old: Uint8Array;
  readonly new: Uint8Array;
  /** The virtual address that it went by, when it was another one of the same memory. */
  readonly through?: bigint;
  /** The physical address that it went to, when it was other memory at the same virtual address. */
  readonly elsewhere?: number;
  /** File that was loaded. */
  readonly image?: string;
}

export interface FoundInterrupt extends FoundStep {
  readonly cause: number;
}

/** What was found, oldest first. */
export interface Answer<T> {
  readonly found: readonly T[];
  /** Where the first and the last boundary of the history are that it is about. */
  readonly begin: number;
  readonly end: number;
  /** Of output: what was printed before this icount is not remembered. */
  readonly rememberedFrom?: number | undefined;
  /** The question was stopped: only these parts of the history were searched. */
  readonly interrupted?: readonly { readonly from: number; readonly to: number }[];
}

export interface WritesAnswer extends Answer<FoundWrite> {
  /** The hart whose address space was used, and the physical address there; undefined: no memory is there now. */
  readonly hart: number;
  readonly physical: number | undefined;
}

export interface AskOptions {
  /** The hart as which an address is looked up; 0 when not given. */
  readonly hart?: number;
  /** How many of the last ones are wanted. */
  readonly limit?: number | undefined;
  /** Hears how far a long question is. */
  readonly progress?: ((text: string) => void) | undefined;
}

/** Afterwards the machine stands where it stood, interrupted or not. Throw TargetError for what cannot be asked. */
export interface QuestionOps {
  /** The last write before the present to any of `length` bytes. */
  lastWrite(address: bigint, length: number, options?: AskOptions): Promise<WritesAnswer>;
  /** Writes in the whole history: to the memory that is there now, or to the same virtual addresses. */
  writes(address: bigint, length: number, options?: AskOptions): Promise<WritesAnswer>;
  /** The first time that the instruction at an address runs. */
  firstExecution(address: bigint, options?: AskOptions): Promise<Answer<FoundStep>>;
  interrupts(options?: AskOptions): Promise<Answer<FoundInterrupt>>;
  /** The step that printed the last byte of the last occurrence of `text` that ends before the present. */
  whoPrinted(text: string, options?: AskOptions): Promise<Answer<FoundStep>>;
}
