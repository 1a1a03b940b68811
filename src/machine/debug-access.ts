import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { MemoryRange } from '../ports/write-watch.js';
import type { Board, MemoryWindow } from './board.js';
import type { Hart, RegisterDescription, RegisterValue } from './hart.js';
import { HartReader, TIME_FEATURE } from './hart-reader.js';

/** Memory in order of address; `bytes` hold until the machine runs on, and are left out where all are zero. */
export interface MemoryPiece {
  readonly length: number;
  readonly bytes: Uint8Array | undefined;
}

/** Bytes of a piece: a host's turn lasts that long at most. */
const LONGEST_PIECE = 2 ** 20;
/** As much of what was never written is skipped at once. */
const LONGEST_ZEROS = 2 ** 24;

/** Registers and memory for a debugger: reads have no side effects on devices. Addresses are bigint. */
export class DebugAccess {
  /** The registers as a debugger is told of them. */
  readonly description: RegisterDescription;
  readonly #readers: readonly HartReader[];

  constructor(readonly board: Board) {
    this.#readers = board.harts.map(hart => new HartReader(board, hart));
    const { description } = board.harts[0].registers;
    this.description = { ...description, features: [...description.features, TIME_FEATURE] };
  }

  /** What tells a debugger's call of a guest's function from other changes. */
  get callView() {
    const { savedForCalls, touchedByCalls, link, stack } = this.description;
    return {
      saved: savedForCalls,
      touched: touchedByCalls,
      linkRegister: link,
      stackRegister: stack,
      read: (hartId: number, register: number) => this.registerValue(hartId, register),
    };
  }

  programCounter(hartId: number): bigint {
    return this.registerValue(hartId, this.description.pc);
  }

  /** 0 for what is no register. */
  registerValue(hartId: number, register: number): bigint {
    const value: RegisterValue = { low: 0, high: 0, width: 0 };
    this.board.harts[hartId].registers.read(register, value);
    return (BigInt(value.high) << 32n) | BigInt(value.low);
  }

  /** Reads without allocation, for what is evaluated in the middle of a run. */
  view(hartId: number): HartReader {
    return this.#readers[hartId];
  }

  /** Little-endian contents, or undefined for a number that is no register. */
  readRegister(hartId: number, register: number): Uint8Array | undefined {
    const reader = this.#readers[hartId];
    return reader.readRegister(register) ? littleEndian(reader.low, reader.high, reader.width) : undefined;
  }

  /** Why a register would not hold these bytes after a write; undefined when it would. */
  refusal(hartId: number, register: number, bytes: Uint8Array): string | undefined {
    return this.board.harts[hartId].registers.refusal(register, bytes);
  }

  /** False for what is no register or cannot be written. */
  writeRegister(hartId: number, register: number, bytes: Uint8Array): boolean {
    return this.board.harts[hartId].registers.write(register, bytes);
  }

  /** The readable prefix of [address, address + length) as the hart sees it. */
  readMemory(hartId: number, address: bigint, length: number): Uint8Array {
    const out = new Uint8Array(length);
    const hart = this.board.harts[hartId];
    let done = 0;
    while (done < length) {
      const { physical, inPage } = this.#locate(hart, address + BigInt(done));
      if (physical < 0) break;
      const take = Math.min(length - done, inPage);
      const host = this.board.bus.hostAddress(physical, take, false);
      if (host !== 0) {
        out.set(this.board.memory.u8.subarray(host, host + take), done);
        done += take;
        continue;
      }
      const got = this.#peekUnit(physical, length - done, out, done);
      if (got === 0) break;
      done += got;
    }
    return out.subarray(0, done);
  }

  /**
   * [address, address + length) as the hart sees it, in pieces that are looked up once each. They end before the
   * first byte that cannot be read, and at the end of the address space.
   */
  *pieces(hartId: number, address: bigint, length: bigint): Generator<MemoryPiece, void> {
    const hart = this.board.harts[hartId];
    const start = BigInt.asUintN(hart.addressBits, address);
    const room = (1n << BigInt(hart.addressBits)) - start;
    const end = start + (length < room ? length : room);
    for (let at = start; at < end; ) {
      const piece = this.#pieceAt(hart, at, Number(end - at < LONGEST_ZEROS ? end - at : LONGEST_ZEROS));
      if (piece === undefined) return;
      yield piece;
      at += BigInt(piece.length);
    }
  }

  /** Memory that lies together for the hart and for the host, or a page's worth of device registers. */
  #pieceAt(hart: Hart, address: bigint, most: number): MemoryPiece | undefined {
    const { memory } = this.board;
    const first = this.#hostPart(hart, address, most);
    if (first === undefined) {
      const bytes = this.readMemory(hart.id, address, Math.min(most, PAGE_BYTES - Number(address & 0xfffn)));
      return bytes.length === 0 ? undefined : { length: bytes.length, bytes };
    }
    const zeros = memory.isUntouched(memory.pageOf(first.host));
    const longest = Math.min(most, zeros ? LONGEST_ZEROS : LONGEST_PIECE);
    let { length } = first;
    while (length < longest) {
      const next = this.#hostPart(hart, address + BigInt(length), longest - length);
      if (next === undefined || memory.isUntouched(memory.pageOf(next.host)) !== zeros) break;
      if (!zeros && next.host !== first.host + length) break;
      length += next.length;
    }
    if (zeros) return { length, bytes: undefined };
    return { length, bytes: memory.u8.subarray(first.host, first.host + length) };
  }

  /** What of [address, address + most) stands on one page of memory; undefined when it is none. */
  #hostPart(
    hart: Hart,
    address: bigint,
    most: number,
  ): { readonly host: number; readonly length: number } | undefined {
    const { physical, inPage } = this.#locate(hart, address);
    const length = Math.min(most, inPage);
    const host = physical < 0 ? 0 : this.board.bus.hostAddress(physical, length, false);
    return host === 0 ? undefined : { host, length };
  }

  /** Where bytes lie that a hart sees, in order and joined; what is neither memory nor a device is left out. */
  physicalRanges(hartId: number, address: bigint, length: number): MemoryRange[] {
    const hart = this.board.harts[hartId];
    const ranges: MemoryRange[] = [];
    for (let done = 0; done < length; ) {
      const { physical, inPage } = this.#locate(hart, address + BigInt(done));
      const part = Math.min(length - done, inPage);
      done += part;
      if (physical < 0 || !this.#answers(physical)) continue;
      const last = ranges.at(-1);
      if (last === undefined || last.start + last.length !== physical) {
        ranges.push({ start: physical, length: part });
      } else {
        ranges[ranges.length - 1] = { start: last.start, length: last.length + part };
      }
    }
    return ranges;
  }

  /** The readable prefix of a part of physical memory. */
  readPhysical({ start, length }: MemoryRange): Uint8Array {
    const host = this.board.bus.hostAddress(start, length, false);
    if (host !== 0) return this.board.memory.u8.slice(host, host + length);
    const out = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const got = this.#peekUnit(start + done, length - done, out, done);
      if (got === 0) break;
      done += got;
    }
    return out.subarray(0, done);
  }

  #answers(physical: number): boolean {
    const { bus } = this.board;
    if (bus.hostAddress(physical, 1, false) !== 0) return true;
    return [4, 8, 2, 1].some(size => bus.peekDevice(physical - (physical % size), size));
  }

  /** Writes memory, or devices as a guest's stores would; false, and nothing is written, when unmapped. */
  writeMemory(hartId: number, address: bigint, bytes: Uint8Array): boolean {
    if (!this.canWrite(hartId, address, bytes.length)) return false;
    const hart = this.board.harts[hartId];
    const { bus, memory } = this.board;
    let done = 0;
    while (done < bytes.length) {
      const { physical, inPage } = this.#locate(hart, address + BigInt(done));
      const take = Math.min(bytes.length - done, inPage);
      const host = bus.hostAddress(physical, take, false);
      if (host !== 0) {
        this.board.foreignWrites.note(physical, take, 'debugger');
        memory.beforeWrite(host, take);
        memory.u8.set(bytes.subarray(done, done + take), host);
        done += take;
        continue;
      }
      const size = accessSize(physical, bytes.length - done, s => bus.acceptsWrite(physical, s));
      const word = new Uint8Array(8);
      word.set(bytes.subarray(done, done + size));
      const [low, high] = new Uint32Array(word.buffer);
      this.board.foreignWrites.note(physical, size, 'debugger');
      bus.writeDevice(physical, size, low, high);
      done += size;
    }
    return true;
  }

  canWrite(hartId: number, address: bigint, length: number): boolean {
    const hart = this.board.harts[hartId];
    const { bus } = this.board;
    let done = 0;
    while (done < length) {
      const { physical, inPage } = this.#locate(hart, address + BigInt(done));
      if (physical < 0) return false;
      const take = Math.min(length - done, inPage);
      if (bus.hostAddress(physical, take, false) !== 0) {
        done += take;
        continue;
      }
      const size = accessSize(physical, length - done, s => bus.acceptsWrite(physical, s));
      if (size === 0) return false;
      done += size;
    }
    return true;
  }

  /** What a hart is doing, for thread lists. */
  describe(hartId: number): string {
    return `CPU#${hartId} ${this.board.harts[hartId].describe()}`;
  }

  memoryMap(): readonly MemoryWindow[] {
    return this.board.memoryMap;
  }

  #locate(hart: Hart, address: bigint): { physical: number; inPage: number } {
    const wrapped = BigInt.asUintN(hart.addressBits, address);
    const low = Number(wrapped & 0xffffffffn);
    const physical = hart.peek(low, Number(wrapped >> 32n));
    return { physical, inPage: PAGE_BYTES - (low % PAGE_BYTES) };
  }

  #peekUnit(physical: number, left: number, out: Uint8Array, at: number): number {
    const { bus } = this.board;
    const size = accessSize(physical, left, s => bus.peekDevice(physical, s));
    // A register wider than what is asked for is read whole and cut.
    const whole = size > 0 ? size : bus.peekDevice(physical, 4) ? Math.min(4, left) : 0;
    for (let i = 0; i < whole; i++)
      out[at + i] = (i < 4 ? bus.low >>> (8 * i) : bus.high >>> (8 * (i - 4))) & 0xff;
    return whole;
  }
}

/** The widest power of two that is aligned, wanted and accepted; 0 when there is none. */
function accessSize(address: number, left: number, accepts: (size: number) => boolean): number {
  for (const size of [4, 8, 2, 1]) {
    if (size <= left && address % size === 0 && accepts(size)) return size;
  }
  return 0;
}

function littleEndian(low: number, high: number, bytes: number): Uint8Array {
  return new Uint8Array(new Uint32Array([low, high]).buffer, 0, bytes);
}
