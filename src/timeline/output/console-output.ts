import { compareOnBranch, type Moment } from '../history/moment.js';

/** Bytes of output that are remembered for a branch; the older half goes when there is more. */
const LONGEST_TRANSCRIPT = 2 ** 22;

/** A moment of the track's branch. */
type OutputPlace = Omit<Moment, 'branch'>;

/** The moment of the step or event under way; `arriving`: what is under way ends there. */
interface PlaceOfByte extends OutputPlace {
  readonly arriving?: boolean;
}

const isBefore = (a: OutputPlace, b: OutputPlace): boolean => compareOnBranch(a, b) < 0;

/** Of each part at the end of a text: how long its longest end is that it also begins with (Knuth, Morris, Pratt). */
function bordersOf(text: Uint8Array): Int32Array {
  const last = text.length - 1;
  const borders = new Int32Array(text.length);
  for (let i = 1, length = 0; i < text.length; i++) {
    while (length > 0 && text[last - i] !== text[last - length]) length = borders[length - 1];
    if (text[last - i] === text[last - length]) length++;
    borders[i] = length;
  }
  return borders;
}

/** What was printed on one branch, and by which steps. */
class OutputTrack {
  /** Output from before this place has been shown: of events, too, which print as debugger's writes. */
  furthest: OutputPlace;
  #bytes = new Uint8Array(1024);
  #icounts = new Float64Array(1024);
  #length = 0;
  #forgot = false;

  constructor(
    readonly start: OutputPlace,
    readonly parent: OutputTrack | undefined,
  ) {
    this.furthest = start;
  }

  remember(byte: number, icount: number): void {
    if (this.#length === LONGEST_TRANSCRIPT) this.#forgetHalf();
    else if (this.#length === this.#bytes.length) this.#resize(this.#length * 2);
    this.#bytes[this.#length] = byte;
    this.#icounts[this.#length++] = icount;
  }

  /** The step that printed the last byte of the last occurrence of a text printed before a boundary. */
  lastPrinted(wanted: Uint8Array, before: number): number | undefined {
    const borders = bordersOf(wanted);
    // From the end, and the text from its end: no byte is looked at twice, whatever repeats in it.
    let matched = 0;
    for (let at = this.#length - 1; at >= 0; at--) {
      if (matched === 0 && this.#icounts[at] >= before) continue;
      const byte = this.#bytes[at];
      while (matched > 0 && byte !== wanted[wanted.length - 1 - matched]) matched = borders[matched - 1];
      if (byte === wanted[wanted.length - 1 - matched]) matched++;
      if (matched === wanted.length) return this.#icounts[at + wanted.length - 1];
    }
    return this.parent?.lastPrinted(wanted, Math.min(before, this.start.icount));
  }

  /** The step from which on all that was printed is remembered; undefined: from the beginning. */
  get rememberedFrom(): number | undefined {
    return this.#forgot ? this.#icounts[0] : this.parent?.rememberedFrom;
  }

  #forgetHalf(): void {
    const half = this.#length / 2;
    this.#forgot = true;
    this.#bytes.copyWithin(0, half);
    this.#icounts.copyWithin(0, half);
    this.#length = half;
  }

  #resize(length: number): void {
    const bytes = new Uint8Array(length);
    const icounts = new Float64Array(length);
    bytes.set(this.#bytes);
    icounts.set(this.#icounts);
    this.#bytes = bytes;
    this.#icounts = icounts;
  }
}

/**
 * Guest output on its way to the host. What the guest prints again while the history is replayed was shown
 * before, and is dropped: only output from beyond the furthest place ever reached on a branch is new.
 */
export class ConsoleOutput {
  readonly #buffer = new Uint8Array(4096);
  #buffered = 0;
  readonly #tracks = new Map<string, OutputTrack>();
  #track = new OutputTrack({ icount: 0, cursor: 0, warpNs: 0 }, undefined);

  constructor(
    readonly show: (bytes: Uint8Array) => void,
    /** Of the step or the event under way. */
    readonly place: () => PlaceOfByte,
    firstBranch: string,
  ) {
    this.#tracks.set(firstBranch, this.#track);
  }

  /** False: it was shown before. */
  write(byte: number): boolean {
    const place = this.place();
    const { furthest } = this.#track;
    if (isBefore(place, furthest) || (place.arriving === true && !isBefore(furthest, place))) return false;
    this.#track.remember(byte, place.icount);
    if (this.#buffered === this.#buffer.length) this.flush();
    this.#buffer[this.#buffered++] = byte;
    return true;
  }

  /** Output from before this place has been seen. */
  reached(place: OutputPlace): void {
    if (isBefore(this.#track.furthest, place)) this.#track.furthest = place;
    this.flush();
  }

  flush(): void {
    if (this.#buffered === 0) return;
    this.show(this.#buffer.slice(0, this.#buffered));
    this.#buffered = 0;
  }

  /** From here on the machine is on this branch; one not heard of before begins at `start`. */
  onBranch(name: string, start: OutputPlace): void {
    let track = this.#tracks.get(name);
    if (track === undefined) {
      track = new OutputTrack(start, this.#track);
      this.#tracks.set(name, track);
    }
    this.#track = track;
  }

  forgetBranch(name: string): void {
    this.#tracks.delete(name);
  }

  /** The step from which on all that was printed on this branch is remembered; undefined: from the beginning. */
  get rememberedFrom(): number | undefined {
    return this.#track.rememberedFrom;
  }

  /** The step that printed the last byte of the last occurrence of a text printed before a boundary. */
  lastPrinted(text: string, before: number): number | undefined {
    const wanted = new TextEncoder().encode(text);
    return wanted.length === 0 ? undefined : this.#track.lastPrinted(wanted, before);
  }
}
