import type { ByteChannel } from './byte-channel.js';

/** GDB gives a reply up after 2 s without a byte. */
const SIGN_OF_LIFE_MS = 1000;
const ACKNOWLEDGEMENT = Uint8Array.of('+'.charCodeAt(0));
/** A debugger that waits for its first reply has said less. */
const MOST_SAID = 0x40000;

/**
 * Keeps a debugger that has come before its target is ready. What it says waits, and each second it gets an
 * acknowledgement, which debuggers read over where they wait for a reply, and wait on. Resolves to a channel
 * that brings all it has said; to undefined when it left.
 */
export function keepUntil(ready: Promise<unknown>, channel: ByteChannel): Promise<ByteChannel | undefined> {
  const said: Uint8Array[] = [];
  let length = 0;
  let hear = (bytes: Uint8Array) => {
    said.push(bytes);
    length += bytes.length;
    if (length > MOST_SAID) channel.close();
  };
  let left = () => {};
  const quiet = channel.every(SIGN_OF_LIFE_MS, () => channel.write(ACKNOWLEDGEMENT));
  return new Promise(resolve => {
    let gone = false;
    left = () => {
      gone = true;
      quiet();
      resolve(undefined);
    };
    channel.open({ onBytes: bytes => hear(bytes), onClose: () => left() });
    const hand = () => {
      if (gone) return;
      quiet();
      resolve({
        ...channel,
        get unsent() {
          return channel.unsent;
        },
        open({ onBytes, onClose }) {
          hear = onBytes;
          left = onClose;
          for (const bytes of said.splice(0)) onBytes(bytes);
          if (gone) onClose();
        },
      });
      // Until it is opened, which is to come.
      left = () => {
        gone = true;
      };
    };
    void ready.then(hand, () => {});
  });
}
