import type { Session } from '../assembly/session.js';
import { DivergenceError } from '../replay/divergence.js';
import type { Recording } from '../replay/recording.js';
import { ReplayMismatch } from '../timeline/debug-target.js';
import { bisect, describeStepDifference } from '../timeline/search/bisection.js';
import { tell } from './messages.js';
import { openReplay } from './replay-session.js';

/**
 * Tells whether a replay that diverged differs from one by the other engine, and from which step on; `compiled`
 * says which engine it had. Other errors than a divergence are left alone.
 */
export async function explainDivergence(
  error: unknown,
  diverged: Session,
  recording: Recording,
  compiled: boolean,
): Promise<void> {
  const interval = intervalOf(error);
  if (interval === undefined) return;
  const { from, to } = interval;
  tell(`comparing a compiled and an interpreted replay between icount ${from} and ${to}`);
  const other = await openReplay(recording, { serial: { kind: 'null' }, jit: compiled ? false : undefined });
  try {
    const found = await bisect(diverged, other.session, from, to);
    if (found === undefined) {
      tell('they agree with each other, but not with the recording');
      return;
    }
    const names = ['compiled', 'interpreted'] as const;
    const place = diverged.symbols.describe(BigInt(`0x${found.pc}`));
    const lines = describeStepDifference(found, compiled ? names : [names[1], names[0]], place);
    for (const line of lines) tell(line);
  } finally {
    other.close();
  }
}

function intervalOf(error: unknown): { readonly from: number; readonly to: number } | undefined {
  if (error instanceof DivergenceError) return { from: error.report.previousIcount, to: error.report.icount };
  return error instanceof ReplayMismatch ? error.interval : undefined;
}
