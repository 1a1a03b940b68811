import type { DebugStop, WatchAccess } from '../../timeline/debug-target.js';
import { type Reply, registerText } from '../rsp/reply.js';
import type { Points } from './target-points.js';
import type { Registers } from './target-registers.js';

const SIGNAL_INTERRUPT = 2;
const SIGNAL_TRAP = 5;

const WATCH_KEYS: Readonly<Record<WatchAccess, string>> = {
  write: 'watch',
  read: 'rwatch',
  access: 'awatch',
};

export interface StopContext {
  readonly registers: Registers;
  readonly points: Points;
  readonly expedited: readonly number[];
  /** `swbreak`, `hwbreak`: GDB treats them as an error when it did not announce them. */
  readonly clientFeatures: ReadonlySet<string>;
}

export function threadId(hart: number): string {
  return (hart + 1).toString(16);
}

/** The halted machine without a reason, as `?` wants it. */
export function haltedReply(hart: number, context: StopContext): Reply {
  return stop(SIGNAL_TRAP, [], hart, context);
}

/** The stop reply of a resume: never `W` or `X`, which would end the debugger's session. */
export function stopReply(event: DebugStop, context: StopContext): Reply {
  switch (event.kind) {
    case 'step':
    case 'moment':
    // What happened stands in a line of its own; as a signal of the program's GDB would pass it on.
    case 'trap-loop':
      return stop(SIGNAL_TRAP, [], event.hart, context);
    case 'interrupt':
      return stop(SIGNAL_INTERRUPT, [], event.hart, context);
    case 'breakpoint':
      return stop(SIGNAL_TRAP, breakpointReason(event.address, context), event.hart, context);
    case 'watchpoint':
      return stop(SIGNAL_TRAP, [[WATCH_KEYS[event.access], event.address.toString(16)]], event.hart, context);
    case 'history':
      return stop(SIGNAL_TRAP, [['replaylog', event.edge]], event.hart, context);
  }
}

function breakpointReason(address: bigint, { points, clientFeatures }: StopContext): [string, string][] {
  const key = points.breakpointKind(address) === 'hardware' ? 'hwbreak' : 'swbreak';
  return clientFeatures.has(`${key}+`) ? [[key, '']] : [];
}

function stop(
  signal: number,
  reason: readonly (readonly [string, string])[],
  hart: number,
  { registers, expedited }: StopContext,
): Reply {
  const contents = expedited.flatMap(number => {
    const value = registers.read(hart, number);
    if (value?.bytes === undefined) return [];
    return [[number.toString(16).padStart(2, '0'), registerText(value)] as const];
  });
  return {
    kind: 'stop',
    signal,
    pairs: [...reason, ['thread', threadId(hart)], ['core', hart.toString(16)], ...contents],
  };
}
