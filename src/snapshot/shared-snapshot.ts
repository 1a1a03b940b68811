import type { GuestMemory } from '../memory/guest-memory.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';

/** A snapshot as another thread can read it, as long as the pool it is in stays as it is. */
export interface SharedSnapshot {
  readonly state: Uint8Array;
  /** The pool's memory, in order. */
  readonly segments: readonly SharedArrayBuffer[];
  /** How another thread of this process names the pool's file. */
  readonly file: number | undefined;
  /** For each page, a number that only this content has; 0 for a page of zeros. */
  readonly contents: Float64Array;
  /** For each page, its byte offset in the segments laid end to end, or the complement of its place in the file. */
  readonly where: Float64Array;
}

/** Reads a page out of a file that another thread has opened. */
export type ReadSharedPage = (file: number, place: number, into: Uint8Array) => void;

/** Looks for a wish to stop once in so many pages. */
const PAGES_BETWEEN_LOOKS = 512;

/** Puts snapshots of another thread's machine into the memory of an equal one. Costs the pages that differ. */
export class SnapshotReceiver {
  /** Content number of what stands in each page; NaN where that is not known. */
  readonly #present: Float64Array;
  readonly #cache = new Uint8Array(PAGE_BYTES);

  constructor(
    readonly memory: GuestMemory,
    readonly readFile: ReadSharedPage,
  ) {
    this.#present = new Float64Array(memory.pageCount);
  }

  /** False when it was stopped: memory is then in no state, and the next call puts that right. */
  restore(snapshot: SharedSnapshot, stopped: () => boolean): boolean {
    const { memory } = this;
    const present = this.#present;
    memory.sinceSnapshot.drain(page => {
      present[page] = Number.NaN;
    });
    for (let page = 0; page < present.length; page++) {
      if (page % PAGES_BETWEEN_LOOKS === 0 && stopped()) return false;
      const content = snapshot.contents[page];
      if (present[page] === content) continue;
      memory.replacePage(page, content === 0 ? undefined : this.#bytes(snapshot, page));
      present[page] = content;
    }
    memory.sinceSnapshot.drain(() => {});
    memory.startEpoch();
    memory.stateBytes.set(snapshot.state);
    return true;
  }

  #bytes({ segments, where, file }: SharedSnapshot, page: number): Uint8Array {
    const at = where[page];
    if (at < 0) {
      if (file === undefined) throw new Error('a page is in a file that was not handed over');
      this.readFile(file, ~at, this.#cache);
      return this.#cache;
    }
    const segmentBytes = segments[0].byteLength;
    return new Uint8Array(segments[Math.floor(at / segmentBytes)], at % segmentBytes, PAGE_BYTES);
  }
}
