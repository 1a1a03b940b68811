import type { LiveDriver } from './live/live-driver.js';
import type { RunControl } from './run-control.js';
import type { EndOfRun, RunToEndLimits } from './timeline-options.js';
import type { Whereabouts } from './whereabouts.js';

export interface RunningParts {
  readonly control: RunControl;
  readonly live: LiveDriver;
  readonly whereabouts: Whereabouts;
}

/** Runs on, without a debugger, until the guest ends or a limit is reached; a recording gets its end. */
export async function runToEnd(
  { control, live, whereabouts }: RunningParts,
  { maxIcount, timeoutMs = Number.POSITIVE_INFINITY, maxRecordedBytes }: RunToEndLimits,
): Promise<EndOfRun> {
  const { machine } = control.navigator;
  const stop = await control.run({
    until: maxIcount ?? Number.POSITIVE_INFINITY,
    deadlineMs: live.clock.nowMs() + timeoutMs,
    recordedBytes: maxRecordedBytes,
  });
  const trapLoop = live.heedsTrapLoops ? whereabouts.suspected() : undefined;
  await control.settle();
  if (stop.kind === 'end' && machine.poweredOff) return { kind: 'power-off', code: machine.exitCode };
  if (stop.kind === 'interrupted') return { kind: 'interrupt' };
  if (stop.kind === 'trap-loop') {
    const text = whereabouts.trapLoop(stop.loop);
    live.stopRecording({ kind: 'trap-loop', reason: text });
    return { kind: 'trap-loop', text };
  }
  const which = stop.kind === 'timeout' || stop.kind === 'size' ? stop.kind : 'icount';
  live.stopRecording({ kind: 'limit', limit: which });
  return { kind: 'limit', which, ...(trapLoop === undefined ? {} : { trapLoop }) };
}
