import { constants } from 'node:os';

const ORDERLY = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type OrderlySignal = (typeof ORDERLY)[number];

/** The exit code of a process that ends because of a signal. */
export const signalExitCode = (signal: OrderlySignal): number => 128 + constants.signals[signal];

/** One Ctrl-C may arrive twice: from the terminal and from npm. */
const SAME_SIGNAL_MS = 500;

/**
 * While `body` runs, the first signal calls `end`, which brings the work to an orderly end; a second one ends the
 * process at once. Returns what `body` returned and the signal, if one came.
 */
export async function withSignals<T>(
  end: () => void,
  body: () => Promise<T>,
): Promise<{ readonly result: T; readonly signal: OrderlySignal | undefined }> {
  let received: OrderlySignal | undefined;
  let receivedAt = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (received) {
      if (performance.now() - receivedAt > SAME_SIGNAL_MS) process.exit(signalExitCode(received));
      return;
    }
    received = signal as OrderlySignal;
    receivedAt = performance.now();
    end();
  };
  for (const signal of ORDERLY) process.on(signal, onSignal);
  try {
    return { result: await body(), signal: received };
  } finally {
    for (const signal of ORDERLY) process.off(signal, onSignal);
  }
}
