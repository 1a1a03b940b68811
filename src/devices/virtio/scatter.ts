/** Buffers of a request that stand in several places of guest memory. */
export type Scattered = readonly Uint8Array[];

export const lengthOf = (parts: Scattered): number => parts.reduce((sum, part) => sum + part.length, 0);

/** A copy of all that comes after the first `skip` bytes. */
export function gather(parts: Scattered, skip = 0): Uint8Array {
  const whole = new Uint8Array(Math.max(0, lengthOf(parts) - skip));
  let left = skip;
  let at = 0;
  for (const part of parts) {
    const kept = part.subarray(Math.min(left, part.length));
    left -= part.length - kept.length;
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
