import type { Readable, Writable } from 'node:stream';
import type { ByteChannel } from './byte-channel.js';

/** Bytes that one turn of the event loop brings; a socket alone would bring two million, and let nothing else in meanwhile. */
const MOST_A_TURN = 0x4000;

/** A channel over a pair of streams, e.g. stdin and stdout for gdb's `target remote | backstub ...`. */
export function streamChannel(input: Readable, output: Writable, peer = 'stdio'): ByteChannel {
  let closed = false;
  let notify = () => {};
  let onDrained = () => {};
  let held = false;
  let resting = false;
  let brought = 0;
  const flow = () => {
    if (closed) return;
    if (held || resting) input.pause();
    else input.resume();
  };
  const nextTurn = () => {
    brought = 0;
    resting = false;
    flow();
  };
  const brings = (length: number) => {
    if (brought === 0) setImmediate(nextTurn);
    brought += length;
    if (brought < MOST_A_TURN || resting) return;
    resting = true;
    flow();
  };
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
      held = wanted;
      flow();
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
        brings(now.length);
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
