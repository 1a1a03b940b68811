/** A debugger's connection: bytes both ways, whatever carries them. */
export interface ByteChannel {
  /** Who is at the other end, for messages: `127.0.0.1:50312`, `stdio`. */
  readonly peer: string;
  /** Bytes written that the other end has not taken yet. */
  readonly unsent: number;
  /** Sends in order. Ignored when the connection is gone. */
  write(bytes: Uint8Array): void;
  /** Resolves once the other end has taken what was written, or is gone. */
  drained(): Promise<void>;
  /** Stops the flow of bytes towards us, or lets it go on: the other end then has to wait. */
  hold(held: boolean): void;
  /** Resolves once bytes and a close that are waiting have been handled; for work that takes long. */
  turn(): Promise<void>;
  /** Host time in milliseconds, from any start. */
  nowMs(): number;
  /** Calls `wake` again and again, with this time in between, until the function returned is called. */
  every(ms: number, wake: () => void): () => void;
  /** Closes once everything written is sent. */
  close(): void;
  /** Starts the flow of bytes; `onClose` comes exactly once, after the last of them. */
  open(handlers: { onBytes(bytes: Uint8Array): void; onClose(): void }): void;
}

/** Serves one debugger; resolves when the next one may come. Must not reject. */
export type ServeChannel = (channel: ByteChannel) => Promise<void>;
