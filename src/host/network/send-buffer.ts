/** Chunks up to this size are joined: a peer that sends byte by byte costs no more than its bytes. */
const SMALL = 1024;

/** Bytes that are sent and not acknowledged, or not sent yet: a queue that can be read at any place. */
export class SendBuffer {
  readonly #chunks: Uint8Array[] = [];
  length = 0;

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + bytes.length <= SMALL) {
      const joined = new Uint8Array(last.length + bytes.length);
      joined.set(last);
      joined.set(bytes, last.length);
      this.#chunks[this.#chunks.length - 1] = joined;
    } else {
      this.#chunks.push(bytes);
    }
    this.length += bytes.length;
  }

  /** A copy of at most `length` bytes from `offset` on. */
  slice(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.length - offset));
    const copy = new Uint8Array(wanted);
    let done = 0;
    let start = 0;
    for (const chunk of this.#chunks) {
      if (done === wanted) break;
      const from = offset + done - start;
      if (from < chunk.length) {
        const part = chunk.subarray(from, from + wanted - done);
        copy.set(part, done);
        done += part.length;
      }
      start += chunk.length;
    }
    return copy;
  }

  dropFirst(length: number): void {
    let left = Math.min(length, this.length);
    this.length -= left;
    while (left > 0) {
      const [first] = this.#chunks;
      if (first.length > left) {
        this.#chunks[0] = first.subarray(left);
        return;
      }
      left -= first.length;
      this.#chunks.shift();
    }
  }
}
