/** Room for pages outside memory, in numbered places. A host implements it with a file. */
export interface PageFile {
  /** Pages that fit. */
  readonly capacity: number;
  /** Names it in another thread of this process. */
  readonly handle: number;
  /** Puts pages into consecutive places. False: there is no room for them after all, and there will be none. */
  write(first: number, pages: readonly Uint8Array[]): boolean;
  /** Reads a page that was written. Throws InputError when it cannot be read back. */
  read(place: number, into: Uint8Array): void;
  /** May be called more than once. */
  close(): void;
}
