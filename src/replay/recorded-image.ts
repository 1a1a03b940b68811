/** Images as they stand in a file: perhaps a gigabyte each, so that who can goes over them piece by piece. */
import type { BootImage } from '../ports/config.js';

/** How the images of files are read: not a part of the image, which may be sent to another thread. */
const pieces = new WeakMap<BootImage, () => Iterable<Uint8Array>>();

/** An image whose bytes are read when they are first asked for. */
export function imageInFile(
  about: Omit<BootImage, 'bytes'> & { readonly byteLength: number },
  read: () => Iterable<Uint8Array>,
): BootImage {
  let bytes: Uint8Array | undefined;
  const image: BootImage = {
    ...about,
    get bytes() {
      bytes ??= joined(read(), about.byteLength);
      return bytes;
    },
  };
  pieces.set(image, read);
  return image;
}

function joined(parts: Iterable<Uint8Array>, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The bytes of an image, one piece after the other. */
export const imagePieces = (image: BootImage): Iterable<Uint8Array> => pieces.get(image)?.() ?? [image.bytes];

/** How many bytes it has, without reading them where a file says it. */
export const imageLength = (image: BootImage): number => image.byteLength ?? image.bytes.length;

const SHOWN_BYTES = 8;

/** Where two images of the same length differ first, and what stands there. */
export function imageDifferenceAt(
  left: BootImage,
  right: BootImage,
): { readonly at: number; readonly left: Uint8Array; readonly right: Uint8Array } | undefined {
  const [a, b] = [new Bytes(imagePieces(left)), new Bytes(imagePieces(right))];
  for (let at = 0; ; ) {
    const [one, other] = [a.piece(), b.piece()];
    const length = Math.min(one.length, other.length);
    if (length === 0) return undefined;
    let same = 0;
    while (same < length && one[same] === other[same]) same++;
    a.skip(same);
    b.skip(same);
    at += same;
    if (same < length) return { at, left: a.take(SHOWN_BYTES), right: b.take(SHOWN_BYTES) };
  }
}

/** Goes over pieces as over one run of bytes. */
class Bytes {
  readonly #rest: Iterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);

  constructor(parts: Iterable<Uint8Array>) {
    this.#rest = parts[Symbol.iterator]();
  }

  /** What of a piece is left, or nothing at the end. */
  piece(): Uint8Array {
    while (this.#piece.length === 0) {
      const next = this.#rest.next();
      if (next.done === true) break;
      this.#piece = next.value;
    }
    return this.#piece;
  }

  skip(bytes: number): void {
    this.#piece = this.#piece.subarray(bytes);
  }

  /** As many bytes, fewer at the end. */
  take(bytes: number): Uint8Array {
    const taken: number[] = [];
    for (let piece = this.piece(); taken.length < bytes && piece.length > 0; piece = this.piece()) {
      taken.push(piece[0]);
      this.skip(1);
    }
    return Uint8Array.from(taken);
  }
}
