import type { StopCause } from '../replay/recording.js';
import type { Opened } from './machine-session.js';
import { CommandFailure, EXIT_TIMEOUT, EXIT_TRAP_LOOP, tell } from './messages.js';
import { endedBySignal, signalExitCode, withSignals } from './signals.js';

export interface Limits {
  /** Host time in milliseconds. */
  readonly timeout?: number;
  readonly maxIcount?: number;
  /** Bytes of the recording. */
  readonly maxSize?: number;
}

/** Ctrl-A X at the console. */
export const USER_QUIT: StopCause = { kind: 'stopped', reason: 'the user quit' };

/** Where each hart stands, for whoever wonders what kept the guest. */
function tellWhere({ whereabouts }: Opened['session']): void {
  for (const line of whereabouts.harts()) tell(line);
}

/** Runs a machine without a debugger until it ends; returns the exit code. */
export async function runToEnd({ session, quit }: Opened, limits: Limits): Promise<number> {
  void quit.then(() => session.endBy(USER_QUIT));
  const { result, signal } = await withSignals(
    signal => session.endBy(endedBySignal(signal)),
    () =>
      session.runToEnd({
        maxIcount: limits.maxIcount,
        timeoutMs: limits.timeout,
        maxRecordedBytes: limits.maxSize,
      }),
  );
  if (signal) return signalExitCode(signal);
  switch (result.kind) {
    case 'power-off':
      return result.code;
    case 'interrupt':
      return 0;
    case 'trap-loop':
      throw new CommandFailure(`${result.text} (--no-trap-loop-check lets it go on)`, EXIT_TRAP_LOOP);
    case 'limit':
      tellWhere(session);
      if (result.trapLoop !== undefined && result.which === 'icount') {
        const ending = `stopped at icount ${session.status().icount} (--max-icount)`;
        throw new CommandFailure(`${ending}: ${result.trapLoop}`, EXIT_TRAP_LOOP);
      }
      if (result.trapLoop !== undefined) tell(result.trapLoop);
      if (result.which === 'timeout') {
        const seconds = (limits.timeout ?? 0) / 1000;
        throw new CommandFailure(`the guest was still running after ${seconds} s (--timeout)`, EXIT_TIMEOUT);
      }
      if (result.which === 'size') {
        throw new CommandFailure(
          `the recording has reached ${limits.maxSize} bytes (--max-size); it is good up to icount ${session.status().icount}`,
          EXIT_TIMEOUT,
        );
      }
      tell(`stopped at icount ${session.status().icount} (--max-icount)`);
      return 0;
  }
}
