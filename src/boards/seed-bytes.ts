/**
 * Bytes drawn from the machine's entropy seed: splitmix32, so that equal seeds give equal bytes.
 * `stream` keeps users of one seed apart.
 */
export function seedBytes(seed: number, stream: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seedState(seed, stream);
  for (let i = 0; i < length; i++) {
    state = nextSeedState(state);
    bytes[i] = seedByte(state);
  }
  return bytes;
}

/** Where a stream begins: before its first byte. */
export const seedState = (seed: number, stream: number): number =>
  mix((seed >>> 0) ^ mix(stream + 1) ^ mix(Math.floor(seed / 2 ** 32) >>> 0));

export const nextSeedState = (state: number): number => (state + 0x9e37_79b9) >>> 0;

/** The byte of a state. */
export const seedByte = (state: number): number => mix(state) >>> 24;

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
