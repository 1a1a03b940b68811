import type { DebugTarget, MemoryPiece } from '../../timeline/debug-target.js';
import { PieceChecksum } from './memory-checksum.js';
import { PieceSearch } from './memory-search.js';

const ADDRESS_MASK = (1n << 64n) - 1n;
/** Bytes that are looked at between two turns of the event loop. */
const BYTES_A_TURN = 2 ** 22;
/** What was never written costs its page tables only. */
const ZEROS_COST = 16;

/** Lets sockets and timers have their turn; false tells a long walk to give up. */
export type Breathe = () => Promise<boolean>;

interface Range {
  readonly hart: number;
  readonly address: bigint;
  readonly length: bigint;
}

/** GDB's CRC-32 of memory; undefined when some of the range cannot be read. */
export async function checksumMemory(
  target: DebugTarget,
  range: Range,
  breathe: Breathe,
): Promise<number | undefined> {
  const sum = new PieceChecksum();
  const end = await walk(target, range, breathe, piece => {
    sum.take(piece);
    return false;
  });
  return end === 'whole' ? sum.value : undefined;
}

/** Where `pattern` first starts; `unreadable` when memory ends before it is found. */
export async function searchMemory(
  target: DebugTarget,
  range: Range,
  pattern: Uint8Array,
  breathe: Breathe,
): Promise<{ found: bigint } | 'absent' | 'unreadable'> {
  if (BigInt(pattern.length) > range.length) return 'absent';
  const search = new PieceSearch(pattern);
  let at = -1;
  const end = await walk(target, range, breathe, piece => {
    at = search.take(piece);
    return at >= 0;
  });
  if (at >= 0) return { found: (range.address + BigInt(at)) & ADDRESS_MASK };
  return end === 'whole' ? 'absent' : 'unreadable';
}

/** Shows each piece of a range, until `enough`. */
async function walk(
  target: DebugTarget,
  { hart, address, length }: Range,
  breathe: Breathe,
  enough: (piece: MemoryPiece) => boolean,
): Promise<'whole' | 'cut'> {
  let left = length;
  let turn = 0;
  for (const piece of target.memoryPieces(hart, address, length)) {
    if (enough(piece)) return 'cut';
    left -= BigInt(piece.length);
    turn += piece.bytes === undefined ? piece.length / ZEROS_COST : piece.length;
    if (turn < BYTES_A_TURN) continue;
    turn = 0;
    if (!(await breathe())) return 'cut';
  }
  return left === 0n ? 'whole' : 'cut';
}
