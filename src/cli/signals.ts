import { constants } from 'node:os';
import type { StopCause } from '../replay/recording.js';
import { TargetError } from '../timeline/debug-target.js';

const ORDERLY = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type OrderlySignal = (typeof ORDERLY)[number];

/** How a recording says that this ended it. */
export const endedBySignal = (signal: OrderlySignal): StopCause => ({
  kind: 'signal',
  signal: constants.signals[signal],
});

/** The exit code of a process that ends because of a signal. */
export const signalExitCode = (signal: OrderlySignal): number => 128 + constants.signals[signal];

/** One Ctrl-C may arrive twice: from the terminal and from npm. */
const SAME_SIGNAL_MS = 500;

/**
 * While `body` runs, the first signal calls `end`, which brings the work to an orderly end; a second one ends the
 * process at once. Returns what `body` returned or the signal, if one came; a TargetError that
 * `body` throws because of it is dropped.
 */
export async function withSignals<T>(
  end: (signal: OrderlySignal) => void,
  body: () => Promise<T>,
): Promise<
  | { readonly result: T; readonly signal: undefined }
  | { readonly result: T | undefined; readonly signal: OrderlySignal }
> {
  let received: OrderlySignal | undefined;
  let receivedAt = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (received) {
      if (performance.now() - receivedAt > SAME_SIGNAL_MS) process.exit(signalExitCode(received));
      return;
    }
    received = signal as OrderlySignal;
    receivedAt = performance.now();
    end(received);
  };
  for (const signal of ORDERLY) process.on(signal, onSignal);
  try {
    const result = await body();
    return received ? { result, signal: received } : { result, signal: undefined };
  } catch (error) {
    if (received === undefined || !(error instanceof TargetError)) throw error;
    return { result: undefined, signal: received };
  } finally {
    for (const signal of ORDERLY) process.off(signal, onSignal);
  }
}
