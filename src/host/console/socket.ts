import { connect } from 'node:net';
import type { ConsoleBackend } from '../../ports/host.js';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';

export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * A console on a TCP or Unix socket connection that this side opens, as QEMU's `-serial tcp:HOST:PORT` and
 * `unix:PATH`. Rejects with InputError when nothing listens there; when the other side closes later, `tell` gets one
 * line and output is dropped.
 */
export async function connectSocketConsole(
  address: SocketAddress,
  tell: (line: string) => void,
): Promise<ConsoleBackend> {
  const name = 'path' in address ? `unix:${address.path}` : `tcp:${address.host}:${address.port}`;
  const socket = 'path' in address ? connect(address) : connect({ ...address, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', error =>
      reject(new InputError(`cannot connect the console to ${name}: ${systemErrorText(error)}`)),
    );
  });
  let open = true;
  const lost = (why: string) => {
    if (open) tell(`console ${name} is gone: ${why}`);
    open = false;
  };
  socket.on('error', error => lost(systemErrorText(error)));
  socket.on('close', () => lost('connection closed by the other side'));
  return {
    write(bytes) {
      if (open) socket.write(Buffer.from(bytes));
    },
    onInput(listener) {
      socket.on('data', bytes => listener(new Uint8Array(bytes)));
    },
    close() {
      open = false;
      // Output on its way is sent first; a peer that does not close cannot keep the process alive.
      socket.end(() => socket.destroy());
    },
  };
}
