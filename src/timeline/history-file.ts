import type { Machine } from '../machine/machine.js';
import { writeRecording } from '../replay/log-writer.js';
import type { Checkpoint, RecordingEnd, RecordingHeader } from '../replay/recording.js';
import { stateLayouts } from '../replay/state-layouts.js';
import { TargetError } from './debug-target.js';
import type { History } from './history.js';
import type { HostPorts } from './host-ports.js';

/** A machine on a history, as far as writing it down asks for. */
export interface WrittenHistory {
  readonly machine: Machine;
  readonly history: History;
  readonly host: HostPorts;
  readonly source: RecordingHeader;
  seek(target: number | 'end'): Promise<void>;
  checkpoint(): Checkpoint;
}

/** Writes a history from beginning to end as a recording; the machine stays where it is. */
export async function writeHistory(timeline: WrittenHistory, path: string): Promise<void> {
  const { history, host, machine, source } = timeline;
  if (host.createFile === undefined) throw new TargetError('this session cannot write files');
  const blockers = machine.board.bus.replayBlockers;
  if (blockers.length > 0) throw new TargetError(`this machine cannot be recorded: ${blockers.join('; ')}`);
  const { config, images, writtenBy } = source;
  const here = machine.icount;
  await timeline.seek('end');
  const checkpoints = [timeline.checkpoint()];
  const icount = history.end;
  const end: RecordingEnd =
    history.powerOff === undefined
      ? { kind: 'stopped', icount, reason: 'history saved' }
      : { kind: 'power-off', icount, code: history.powerOff.code };
  await timeline.seek(here);
  const sink = host.createFile(path);
  try {
    const layouts = stateLayouts(machine.board.plan);
    const header = { config, images, writtenBy, layouts };
    writeRecording(sink, { header, events: history.log.slice(), checkpoints, end });
  } finally {
    sink.close();
  }
}
