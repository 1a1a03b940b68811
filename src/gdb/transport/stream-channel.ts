import type { Readable, Writable } from 'node:stream';
import type { ByteChannel } from './byte-channel.js';

/** A channel over a pair of streams, e.g. stdin and stdout for gdb's `target remote | backstub ...`. */
export function streamChannel(input: Readable, output: Writable, peer = 'stdio'): ByteChannel {
  let closed = false;
  let notify = () => {};
  const end = () => {
    if (closed) return;
    closed = true;
    notify();
  };
  return {
    peer,
    write(bytes) {
      if (!closed && output.writable) output.write(bytes);
    },
    turn: () => new Promise(resolve => setImmediate(resolve)),
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
        if (!closed) onBytes(chunk);
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
