import { GdbServer } from '../gdb/server.js';
import type { Opened } from './machine-session.js';
import { tell } from './messages.js';
import { USER_QUIT } from './run-to-end.js';
import { endedBySignal, type OrderlySignal, signalExitCode, withSignals } from './signals.js';
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
    const end = (signal: OrderlySignal) => {
      session.endBy(endedBySignal(signal));
      stop();
    };
    const { signal } = await withSignals(end, () => {
      tell(`gdb server on ${host}:${server.port}`);
      return Promise.race([stopped, quit.then(() => session.endBy(USER_QUIT))]);
    });
    return signal ? signalExitCode(signal) : 0;
  } finally {
    await server.close();
  }
}
