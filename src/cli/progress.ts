import { isRewritable, retell, tell } from './messages.js';

const EVERY_MS = 1000;
/** The first second is the one in which code is compiled, and says little of the others. */
const TOLD_AT = 2;

/**
 * Says how a replay to an icount gets on: on a terminal each second in one line that is renewed, elsewhere once, when
 * it has taken two. Returns what ends it.
 */
export function tellProgress(position: () => number, to: number): () => void {
  const from = position();
  const rewritable = isRewritable();
  let last = { at: from, ms: performance.now() };
  let ticks = 0;
  const timer = setInterval(() => {
    const now = { at: position(), ms: performance.now() };
    const perSecond = ((now.at - last.at) * 1000) / Math.max(1, now.ms - last.ms);
    const line = describeProgress({ from, at: now.at, to, perSecond });
    last = now;
    if (rewritable) retell(line);
    else if (++ticks === TOLD_AT) tell(line);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    if (rewritable) retell(undefined);
  };
}

interface Progress {
  readonly from: number;
  readonly at: number;
  readonly to: number;
  readonly perSecond: number;
}

export function describeProgress({ from, at, to, perSecond }: Progress): string {
  const percent = Math.floor((100 * (at - from)) / Math.max(1, to - from));
  const begun = `replaying to icount ${to}: ${percent} %`;
  if (perSecond < 1) return begun;
  const rate =
    perSecond < 1e6 ? `${Math.round(perSecond)} steps/s` : `${Math.round(perSecond / 1e6)} million steps/s`;
  return `${begun}, ${rate}, about ${duration((to - at) / perSecond)} left`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 100) return `${whole} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
