import type { Readable, Writable } from 'node:stream';
import type { ByteChannel } from './byte-channel.js';

/**
 * Bytes that one turn of the event loop brings; a socket alone would bring two million, and let nothing else in
 * meanwhile.
 */
const MOST_A_TURN = 0x4000;

/** A channel over a pair of streams, e.g. stdin and stdout for gdb's `target remote | backstub ...`. */
export function streamChannel(input: Readable, output: Writable, peer = 'stdio'): ByteChannel {
  let closed = false;
  let notify = () => {};
  let onDrained = () => {};
  const flow = new Flow(paused => {
    if (closed) return;
    if (paused) input.pause();
    else input.resume();
  });
  const end = () => {
    if (closed) return;
    closed = true;
    onDrained();
    notify();
  };
  output.on('drain', () => onDrained());
  return {
    peer,
    get unsent() {
      return closed ? 0 : output.writableLength;
    },
    write(bytes) {
      if (!closed && output.writable) output.write(bytes);
    },
    drained() {
      if (closed || !output.writableNeedDrain) return Promise.resolve();
      return new Promise(resolve => {
        onDrained = resolve;
      });
    },
    hold(wanted) {
      flow.hold(wanted);
    },
    turn: () => new Promise(resolve => setImmediate(resolve)),
    nowMs: () => performance.now(),
    every(ms, wake) {
      const timer = setInterval(wake, ms);
      return () => clearInterval(timer);
    },
    close() {
      // What still comes is dropped, so that the other end's farewell is seen.
      input.removeAllListeners('data');
      input.resume();
      if (output.writable) output.end(end);
      else end();
    },
    open({ onBytes, onClose }) {
      notify = onClose;
      input.on('data', (chunk: Uint8Array) => {
        if (closed) return;
        const now = chunk.subarray(0, MOST_A_TURN);
        flow.brought(now.length);
        if (now.length < chunk.length) input.unshift(chunk.subarray(now.length));
        onBytes(now);
      });
      for (const stream of [input, output]) {
        stream.on('error', end);
        stream.on('close', end);
      }
      input.on('end', end);
      input.resume();
      if (closed || input.destroyed || input.readableEnded) {
        closed = true;
        queueMicrotask(onClose);
      }
    },
  };
}

/** When a stream may bring more: while nobody holds it, and until it has brought what a turn may. */
class Flow {
  #held = false;
  #resting = false;
  #brought = 0;

  constructor(private readonly set: (paused: boolean) => void) {}

  hold(wanted: boolean): void {
    this.#held = wanted;
    this.#apply();
  }

  brought(bytes: number): void {
    if (this.#brought === 0) setImmediate(() => this.#nextTurn());
    this.#brought += bytes;
    if (this.#brought < MOST_A_TURN || this.#resting) return;
    this.#resting = true;
    this.#apply();
  }

  #nextTurn(): void {
    this.#brought = 0;
    this.#resting = false;
    this.#apply();
  }

  #apply(): void {
    this.set(this.#held || this.#resting);
  }
}
