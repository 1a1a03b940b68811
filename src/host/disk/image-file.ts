/** An image file that is open for reading. */
export interface ImageFile {
  readonly path: string;
  readonly bytes: number;
  /** Bytes at an offset; fewer where the file ends. */
  read(offset: number, length: number): Uint8Array;
}
