import type { SemihostingCaller, Word64 } from '../machine/semihosting-caller.js';
import type { DmaPort } from '../ports/device.js';

const PAGE = 4096;

/** Memory as a caller sees it, whatever it may access itself, as a debugger does; devices are none. */
export class CallerMemory {
  constructor(
    readonly caller: SemihostingCaller,
    private readonly dma: DmaPort,
  ) {}

  /** A copy; undefined when some of it is not there. */
  read(address: Word64, length: number): Uint8Array | undefined {
    const out = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const part = this.#part(address, done, length - done);
      const from = part && this.dma.readable(part.physical, part.length);
      if (from === undefined) return undefined;
      out.set(from, done);
      done += from.length;
    }
    return out;
  }

  /** The bytes before a zero, `most` of them at most; undefined when it is not there. */
  text(address: Word64, most: number): Uint8Array | undefined {
    const pieces: Uint8Array[] = [];
    let done = 0;
    for (let end = -1; end < 0 && done < most; ) {
      const part = this.#part(address, done, most - done);
      const from = part && this.dma.readable(part.physical, part.length);
      if (from === undefined) return undefined;
      end = from.indexOf(0);
      const piece = from.slice(0, end < 0 ? from.length : end);
      pieces.push(piece);
      done += piece.length;
    }
    return joined(pieces, done);
  }

  /** False when some of it cannot be written; what lies before that is. */
  write(address: Word64, bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length; ) {
      const part = this.#part(address, done, bytes.length - done);
      const to = part && this.dma.writable(part.physical, part.length);
      if (to === undefined) return false;
      to.set(bytes.subarray(done, done + to.length));
      done += to.length;
    }
    return true;
  }

  /** What of [address + done, + most) stands on one page. */
  #part(
    address: Word64,
    done: number,
    most: number,
  ): { readonly physical: number; readonly length: number } | undefined {
    const low = address.low + done;
    const carried = low >= 2 ** 32 && this.caller.wordBytes === 8 ? (address.high + 1) >>> 0 : address.high;
    const physical = this.caller.physical(low >>> 0, carried);
    return physical < 0 ? undefined : { physical, length: Math.min(most, PAGE - (low % PAGE)) };
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
