import { GdbServer } from '../gdb/server.js';
import { commandFiles } from './command-files.js';
import type { Opened } from './machine-session.js';
import { tell } from './messages.js';
import { USER_QUIT } from './run-to-end.js';
import { endedBySignal, type OrderlySignal, signalExitCode, withSignals } from './signals.js';
import type { HostPort } from './values.js';

export const DEFAULT_GDB: HostPort = { host: '127.0.0.1', port: 1234 };

const OPEN_TO_ALL =
  'this address is not only for this computer: whoever reaches it controls the machine and may write recordings here';
/** What is under way at a signal ends within a fraction of this, or is left. */
const SIGNAL_PATIENCE_MS = 1500;

/**
 * Serves a session to debuggers until a signal or the user ends it; returns the exit code. `listening` is called once the
 * address is taken, before any debugger is served.
 */
export async function serveGdb(
  { session, quit }: Opened,
  address: HostPort,
  listening: () => void = () => {},
): Promise<number> {
  const server = await GdbServer.start(session, { ...address, notice: tell }).catch((error: unknown) => {
    commandFiles.discard();
    throw error;
  });
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  let stop = () => {};
  let patienceMs: number | undefined;
  const stopped = new Promise<void>(resolve => {
    stop = resolve;
  });
  try {
    listening();
    const end = (signal: OrderlySignal) => {
      session.endBy(endedBySignal(signal));
      stop();
    };
    const { signal } = await withSignals(end, () => {
      tell(`gdb server on ${host}:${server.port}`);
      if (server.beyondLoopback) tell(OPEN_TO_ALL);
      return Promise.race([stopped, quit.then(() => session.endBy(USER_QUIT))]);
    });
    patienceMs = signal ? SIGNAL_PATIENCE_MS : undefined;
    return signal ? signalExitCode(signal) : 0;
  } finally {
    await within(server.close(), patienceMs);
  }
}

async function within(work: Promise<void>, ms: number | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>(resolve => {
    if (ms !== undefined) timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, patience]);
  clearTimeout(timer);
}
