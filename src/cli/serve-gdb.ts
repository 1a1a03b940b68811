import type { Session } from '../assembly/session.js';
import { GdbServer } from '../gdb/server.js';
import { TargetError } from '../timeline/debug-target.js';
import { commandFiles } from './command-files.js';
import type { Opened } from './machine-session.js';
import { tell } from './messages.js';
import { tellProgress } from './progress.js';
import { USER_QUIT } from './run-to-end.js';
import { endedBySignal, type OrderlySignal, signalExitCode, withSignals } from './signals.js';
import type { HostPort } from './values.js';

export const DEFAULT_GDB: HostPort = { host: '127.0.0.1', port: 1234 };

const OPEN_TO_ALL =
  'this address is not only for this computer: whoever reaches it controls the machine and may write recordings here';
/** What is under way at a signal ends within a fraction of this, or is left. */
const SIGNAL_PATIENCE_MS = 1500;

/** A machine that is on its way to where it is served. */
export interface Coming {
  readonly opening: Promise<Opened>;
  /** Ends that: `opening` then throws TargetError. */
  interrupt(): void;
}

export interface Beginning {
  /** Called once the address is taken and the machine is there, before any debugger is served. */
  listening?(machine: Opened): void;
  /** Where debuggers are to find the machine first; one that comes before it is there waits. */
  readonly icount?: number | undefined;
}

/** Serves a session to debuggers until a signal or the user ends it; returns the exit code. */
export async function serveGdb(
  machine: Opened | Coming,
  address: HostPort,
  { listening = () => {}, icount }: Beginning = {},
): Promise<number> {
  let arrived: (session: Session) => void = () => {};
  const target = new Promise<Session>(resolve => {
    arrived = resolve;
  });
  const server = await GdbServer.start(target, { ...address, notice: tell }).catch((error: unknown) => {
    commandFiles.discard();
    throw error;
  });
  let stop = () => {};
  let patienceMs: number | undefined;
  const stopped = new Promise<void>(resolve => {
    stop = resolve;
  });
  let opened = 'session' in machine ? machine : undefined;
  try {
    if (opened !== undefined) listening(opened);
    const end = (signal: OrderlySignal) => {
      if (opened === undefined && 'opening' in machine) machine.interrupt();
      opened?.session.endBy(endedBySignal(signal));
      stop();
    };
    const { signal } = await withSignals(end, async () => {
      tellAddress(server);
      if ('opening' in machine) {
        opened = await machine.opening;
        listening(opened);
      }
      if (opened === undefined) return;
      const { session, quit } = opened;
      let over = false;
      const ended = Promise.race([stopped, quit.then(() => session.endBy(USER_QUIT))]).then(() => {
        over = true;
      });
      const there = icount === undefined || (await goTo(session, icount, () => over));
      if (there) arrived(session);
      await ended;
    });
    patienceMs = signal ? SIGNAL_PATIENCE_MS : undefined;
    return signal ? signalExitCode(signal) : 0;
  } finally {
    await within(server.close(), patienceMs);
  }
}

function tellAddress(server: GdbServer): void {
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  tell(`gdb server on ${host}:${server.port}`);
  if (server.beyondLoopback) tell(OPEN_TO_ALL);
}

/** Moves a session, and says how far it is. False: the command was ended meanwhile. */
async function goTo(session: Session, icount: number, over: () => boolean): Promise<boolean> {
  const quiet = tellProgress(() => session.machine.icount, icount);
  try {
    await session.seek(icount);
    return true;
  } catch (error) {
    if (!over() || !(error instanceof TargetError)) throw error;
    return false;
  } finally {
    quiet();
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
