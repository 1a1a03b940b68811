import type { Machine } from '../../machine/machine.js';
import { saveMoment } from '../../machine/saved-machine.js';
import { holdsForParts } from '../../replay/format.js';
import type { Checkpoint, Recording, RecordingEnd } from '../../replay/recording.js';
import { writeRecording } from '../../replay/recording-writer.js';
import { firstNotBefore, type Sequence, sequence } from '../../replay/sequence.js';
import { stateLayouts, unlikeLayouts } from '../../replay/state-layouts.js';
import type { MachineMoment } from '../../state/saved-state.js';
import { type HistoryPart, type MomentName, TargetError } from '../debug-target.js';
import type { HostPorts } from '../live/host-ports.js';
import type { MachineSource } from '../machine-source.js';
import { boundaryOf, momentOf } from './moments.js';
import type { Navigator } from './navigator.js';

/** A machine on a history, as far as writing it down asks for. */
export interface WrittenHistory {
  readonly machine: Machine;
  readonly navigator: Navigator;
  readonly host: HostPorts;
  readonly source: MachineSource;
  seek(target: number): Promise<void>;
  checkpoint(): Checkpoint;
}

/** Writes a part of the present branch, all of it if not told otherwise; the machine stays where it is. */
export async function writeHistory(
  timeline: WrittenHistory,
  path: string,
  part: HistoryPart = {},
): Promise<void> {
  const { host, machine } = timeline;
  if (host.createFile === undefined) throw new TargetError('this session cannot write files');
  const blockers = machine.replayBlockers;
  if (blockers.length > 0) throw new TargetError(`this machine cannot be recorded: ${blockers.join('; ')}`);
  const here = machine.icount;
  const recording = await recordingOf(timeline, part);
  await timeline.seek(here);
  const sink = host.createFile(path);
  try {
    writeRecording(sink, recording);
  } finally {
    sink.close();
  }
}

/** Leaves the machine at the end of the part. */
async function recordingOf(timeline: WrittenHistory, { from, to }: HistoryPart): Promise<Recording> {
  const { navigator, machine, source } = timeline;
  const { history } = navigator;
  const { icount: end } = boundaryOf(navigator, to ?? 'end');
  const { start, cursor, icount } = await startOf(timeline, from ?? 'start');
  if (end < icount)
    throw new TargetError(`icount ${end} comes before the part's beginning, icount ${icount}`);
  const layouts = stateLayouts(machine.plan);
  const { config, images, writtenBy } = source;
  return {
    header: { config, images, writtenBy, layouts, ...(start === undefined ? {} : { start }) },
    events: history.log.part(cursor, history.log.indexAfter(end)),
    checkpoints: await checkpointsOf(timeline, icount, end),
    end: endOf(timeline, end),
    ...extrasOf(timeline, icount, end),
  };
}

interface PartStart {
  readonly start: MachineMoment | undefined;
  /** Events that have entered before it. */
  readonly cursor: number;
  readonly icount: number;
}

/** An icount is after all of its events; a snapshot may stand between two of them. */
async function startOf(timeline: WrittenHistory, from: MomentName): Promise<PartStart> {
  const { navigator, machine, source } = timeline;
  const { icount, cursor } = momentOf(navigator, from);
  const named = typeof from === 'object' ? navigator.branch.named(from.snapshot) : undefined;
  const atBegin = icount === navigator.history.begin && (named === undefined || cursor === 0);
  if (atBegin) return { start: source.start, cursor: 0, icount };
  if (named === undefined) await timeline.seek(icount);
  else navigator.restore(named);
  return { start: saveMoment(machine, named?.name), cursor: navigator.cursor, icount };
}

/** Those of the recording that the history is of, and where they are missing new ones of both ends. */
async function checkpointsOf(
  timeline: WrittenHistory,
  from: number,
  to: number,
): Promise<Sequence<Checkpoint>> {
  const take = async (icount: number) => {
    await timeline.seek(icount);
    return timeline.checkpoint();
  };
  const known = knownCheckpoints(timeline, from, to);
  const first = known.at(0)?.icount === from ? undefined : await take(from);
  const lastIcount = known.length === 0 ? first?.icount : known.at(known.length - 1)?.icount;
  const last = lastIcount === to ? undefined : await take(to);
  const before = first === undefined ? 0 : 1;
  const length = before + known.length + (last === undefined ? 0 : 1);
  return sequence(length, index => {
    const checkpoint = index < before ? first : (known.at(index - before) ?? last);
    if (checkpoint === undefined) throw new RangeError(`no checkpoint ${index} of ${length}`);
    return checkpoint;
  });
}

function knownCheckpoints(
  { source: { recording }, navigator, machine }: WrittenHistory,
  from: number,
  to: number,
): Sequence<Checkpoint> {
  if (recording === undefined || navigator.branch.parent !== undefined) return [];
  const unlike = unlikeLayouts(recording.header.layouts, stateLayouts(machine.plan));
  if (unlike.length > 0) return [];
  const { checkpoints } = recording;
  const until = (icount: number) =>
    firstNotBefore(checkpoints.length, index => checkpoints.at(index)!.icount < icount);
  const begin = until(from);
  return sequence(until(to + 1) - begin, index => checkpoints.at(begin + index)!);
}

/** What the recording carries, as far as it makes sense in this part of it. */
function extrasOf({ source: { recording }, navigator }: WrittenHistory, from: number, to: number) {
  const { begin, end } = navigator.history;
  const whole = navigator.branch.parent === undefined && from === begin && to === end;
  const kept = recording?.extras?.filter(({ type }) => whole || holdsForParts(type)) ?? [];
  return kept.length === 0 ? {} : { extras: kept };
}

function endOf({ source: { recording }, navigator }: WrittenHistory, icount: number): RecordingEnd {
  const { history, branch } = navigator;
  if (icount < history.end) return { kind: 'stopped', icount, reason: 'the part ends here' };
  const recorded = branch.parent === undefined ? recording?.end : undefined;
  if (recorded === undefined) return history.endBy({ kind: 'stopped', reason: 'history saved' });
  return recorded.kind === 'cut' ? { kind: 'cut', icount } : recorded;
}
