/** Where a recording's bytes come from: they are read as they are needed, so that a file may be larger than memory. */
export interface ByteSource {
  readonly size: number;
  /**
   * `length` bytes from `offset` on, which lie within the size; whoever gets them does not change them. Throws
   * InputError when they cannot be read any more.
   */
  read(offset: number, length: number): Uint8Array;
}

export const bytesAsSource = (bytes: Uint8Array): ByteSource => {
  // Without what a Buffer does otherwise.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { size: plain.length, read: (offset, length) => plain.subarray(offset, offset + length) };
};
