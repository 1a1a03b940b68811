import { GdbServer } from '../gdb/server.js';
import type { Opened } from './machine-session.js';
import { tell } from './messages.js';
import { signalExitCode, withSignals } from './signals.js';
import type { HostPort } from './values.js';

export const DEFAULT_GDB: HostPort = { host: '127.0.0.1', port: 1234 };

/** Serves a session to debuggers until a signal or the user ends it; returns the exit code. */
export async function serveGdb({ session, quit }: Opened, address: HostPort): Promise<number> {
  const server = await GdbServer.start(session, address);
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  let stop = () => {};
  const stopped = new Promise<void>(resolve => {
    stop = resolve;
  });
  try {
    const { signal } = await withSignals(stop, () => {
      tell(`gdb server on ${host}:${server.port}`);
      return Promise.race([stopped, quit]);
    });
    return signal ? signalExitCode(signal) : 0;
  } finally {
    await server.close();
  }
}
