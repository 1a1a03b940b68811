import { RingFault } from './queue.js';

/** Buffers of a request that stand in several places of guest memory. */
export type Scattered = readonly Uint8Array[];

export const lengthOf = (parts: Scattered): number => parts.reduce((sum, part) => sum + part.length, 0);

/** Refuses a request that would take more of the host's memory or time than any driver has reason for. */
export function requireAtMost(most: number, parts: Scattered): void {
  const bytes = lengthOf(parts);
  if (bytes > most) throw new RingFault(`a request of ${bytes} bytes, of which ${most} is the most`);
}

/** A copy of what comes after the first `skip` bytes, at most so much. */
export function gather(parts: Scattered, skip = 0, most = Number.POSITIVE_INFINITY): Uint8Array {
  const whole = new Uint8Array(Math.min(most, Math.max(0, lengthOf(parts) - skip)));
  let left = skip;
  let at = 0;
  for (const part of parts) {
    const behind = Math.min(left, part.length);
    left -= behind;
    const kept = part.subarray(behind, behind + whole.length - at);
    whole.set(kept, at);
    at += kept.length;
  }
  return whole;
}

/** Fills the buffers with as many bytes as there are or fit; returns how many. */
export function scatter(parts: Scattered, bytes: Uint8Array): number {
  let done = 0;
  for (const part of parts) {
    const piece = bytes.subarray(done, done + part.length);
    part.set(piece);
    done += piece.length;
  }
  return done;
}
