import type { Opened } from './machine-session.js';
import { CommandFailure, EXIT_TIMEOUT, tell } from './messages.js';
import { signalExitCode, withSignals } from './signals.js';

export interface Limits {
  /** Host time in milliseconds. */
  readonly timeout?: number;
  readonly maxIcount?: number;
  /** Bytes of the recording. */
  readonly maxSize?: number;
}

/** Runs a machine without a debugger until it ends; returns the exit code. */
export async function runToEnd({ session, quit }: Opened, limits: Limits): Promise<number> {
  void quit.then(() => session.requestShutdown('host-quit'));
  const { result, signal } = await withSignals(
    () => session.requestShutdown('host-signal'),
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
    case 'limit':
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
