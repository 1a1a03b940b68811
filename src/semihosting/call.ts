import type { SemihostingCaller, Word64 } from '../machine/semihosting-caller.js';
import type { DmaPort, OutputPort, PowerPort, TypedBytes, VirtualClock } from '../ports/device.js';
import { ERRNO, type SemihostingAnswer, type SemihostingRequest } from '../ports/semihosting-host.js';
import { CallerMemory } from './caller-memory.js';
import type { Handles } from './handles.js';
import type { SemihostingState } from './state.js';

/** What calls are answered with. */
export interface SemihostingPorts {
  readonly dma: DmaPort;
  readonly clock: VirtualClock;
  readonly power: PowerPort;
  /** The console: what calls print, and what was typed at it. */
  readonly output: OutputPort;
  readonly typed: TypedBytes;
  /** Whether the host has files for the guest. */
  readonly files: boolean;
  readonly commandLine: Uint8Array;
  /** Memory that nothing was loaded to. */
  readonly heap: { readonly base: number; readonly limit: number };
  /** What the time is when the clock begins. */
  readonly startSeconds: number;
}

/** What has become of a call: its result, what it waits for, or `off`: it never returns. */
export type Outcome = number | Word64 | 'host' | 'input' | 'off';

/** A row of the table of calls. */
export interface SemihostingCall {
  readonly number: number;
  readonly name: string;
  /** For people: its parameter, and its result. */
  readonly takes: string;
  readonly gives: string;
  /** Fields of the block that its parameter points to. */
  readonly fields: number;
  /** Carried out once, but of a call that waits for input again whenever some has come. */
  run(call: Call): Outcome;
  /** Of one that `run` leaves to the host: what it asks; undefined when what that is made of is no more. */
  request?(call: Call): SemihostingRequest | undefined;
  /** What is made of the host's answer, where that is no error. */
  answered?(call: Call, answer: SemihostingAnswer): Outcome;
  /** The result of an error; -1 when absent. */
  failed?(call: Call): Outcome;
}

/** A call of a hart, as its row sees it. */
export class Call {
  readonly memory: CallerMemory;

  constructor(
    readonly caller: SemihostingCaller,
    readonly ports: SemihostingPorts,
    readonly state: SemihostingState,
    readonly handles: Handles,
  ) {
    this.memory = new CallerMemory(caller, ports.dma);
  }

  #block: Uint8Array = new Uint8Array(0);

  /** Reads the block of that many fields; false when it is not there. */
  load(fields: number): boolean {
    const block = this.memory.read(this.caller.parameter, fields * this.caller.wordBytes);
    if (block !== undefined) this.#block = block;
    return block !== undefined;
  }

  /** A field of the block. */
  word(index: number): Word64 {
    const { wordBytes } = this.caller;
    const view = new DataView(this.#block.buffer, this.#block.byteOffset);
    const low = view.getUint32(index * wordBytes, true);
    return { low, high: wordBytes === 8 ? view.getUint32(index * wordBytes + 4, true) : 0 };
  }

  /** The same as a number: Infinity for what is too large to be a handle, a length or a position. */
  number(index: number): number {
    const { low, high } = this.word(index);
    return high >= 2 ** 21 ? Number.POSITIVE_INFINITY : high * 2 ** 32 + low;
  }

  /** Writes words, one behind the other; false when some cannot be written. */
  putWords(address: Word64, words: readonly number[]): boolean {
    const { wordBytes } = this.caller;
    const view = new DataView(new ArrayBuffer(words.length * wordBytes));
    for (const [index, word] of words.entries()) {
      view.setUint32(index * wordBytes, word % 2 ** 32, true);
      if (wordBytes === 8) view.setUint32(index * wordBytes + 4, Math.floor(word / 2 ** 32), true);
    }
    return this.memory.write(address, new Uint8Array(view.buffer));
  }

  /** Notes an error, and is the result that tells of it. */
  fail(errno: number, result: Outcome = -1): Outcome {
    this.state.errno = errno;
    return result;
  }

  fault(result: Outcome = -1): Outcome {
    return this.fail(ERRNO.badAddress, result);
  }
}
