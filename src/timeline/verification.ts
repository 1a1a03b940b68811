import { DivergenceError, findDivergence } from '../replay/divergence.js';
import type { Checkpoint, Recording, RecordingEnd } from '../replay/recording.js';
import { stateLayouts, unlikeLayouts } from '../replay/state-layouts.js';
import { ReplayMismatch, TargetError } from './debug-target.js';
import type { Navigator } from './history/navigator.js';
import type { GuestOutput } from './output/guest-output.js';

export interface Verified {
  readonly checkpoints: number;
  readonly icount: number;
  readonly end: RecordingEnd;
  /** Components that were not compared: since it was recorded, their state has come to be declared otherwise. */
  readonly notCompared: readonly string[];
}

/**
 * Runs a navigator that stands at the beginning through the recording, up to the boundary `until` or the end, and
 * compares the machine with every checkpoint on the way. Throws DivergenceError at the first that does not agree,
 * ReplayMismatch when it ends otherwise, TargetError when interrupted.
 */
export async function verifyRecording(
  navigator: Navigator,
  recording: Recording,
  takeCheckpoint: () => Checkpoint,
  output: GuestOutput,
  until: number,
): Promise<Verified> {
  const { machine } = navigator;
  const { log } = navigator.history;
  const { plan } = machine;
  const notCompared = unlikeLayouts(recording.header.layouts, stateLayouts(plan));
  let agreed = navigator.history.begin;
  const inInterval = async (body: () => void | Promise<void>) => {
    try {
      await body();
    } catch (error) {
      if (!(error instanceof ReplayMismatch)) throw error;
      const text = `${error.message}; it agreed up to icount ${agreed}`;
      throw new ReplayMismatch(text, { from: agreed, to: machine.icount });
    }
  };
  const goTo = (icount: number) =>
    inInterval(async () => {
      const stop = await navigator.advance(navigator.branch.boundary(icount), {});
      output.reached();
      if (stop.kind === 'interrupted') throw new TargetError('interrupted');
    });
  let checkpoints = 0;
  for (const recorded of recording.checkpoints) {
    if (recorded.icount > until) break;
    await goTo(recorded.icount);
    const report = findDivergence(recorded, takeCheckpoint(), plan, agreed, notCompared);
    if (report !== undefined) {
      const inputs = log.part(log.indexAfter(agreed), log.indexAfter(recorded.icount));
      throw new DivergenceError({ ...report, inputs });
    }
    agreed = recorded.icount;
    checkpoints++;
  }
  await goTo(until);
  const { end } = recording;
  if (until === end.icount) await inInterval(() => compareEnd(navigator, end));
  return { checkpoints, icount: machine.icount, end, notCompared };
}

function compareEnd({ machine }: Navigator, end: RecordingEnd): void {
  const { poweredOff, exitCode, icount } = machine;
  const found = poweredOff ? `it powered off with code ${exitCode}` : 'the machine goes on';
  const recorded = end.kind === 'power-off' ? `it powered off with code ${end.code}` : 'the machine goes on';
  if (end.kind === 'cut' || found === recorded) return;
  throw new ReplayMismatch(
    `the replay differs from the recording: at icount ${icount} ${found}, in the recording ${recorded}`,
  );
}
