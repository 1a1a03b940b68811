import { type DebugTarget, TargetError } from '../../timeline/debug-target.js';
import type { Points } from './target-points.js';
import type { Registers } from './target-registers.js';

export interface MonitorContext {
  readonly target: DebugTarget;
  readonly registers: Registers;
  readonly points: Points;
  /** The selected hart. */
  readonly hart: number;
  /**
   * Shows text to the user while a command is under way. The session says by itself that it still works when a
   * second has gone without any, and stops the command with `target.interrupt()`.
   */
  readonly progress: (text: string) => void;
}

export interface MonitorAnswer {
  readonly text: string;
  /** The machine is at another moment: what the debugger has cached is stale. */
  readonly moved?: boolean;
}

export interface MonitorCommand {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly run: (context: MonitorContext, argument: string) => MonitorAnswer | Promise<MonitorAnswer>;
}

/** How names come to be known, where none are. */
export const whereNamesAre = ({ symbols }: DebugTarget): string =>
  symbols === undefined || symbols.known ? '' : `: no names are known here, ${symbols.advice}`;

/** The argument of a command that needs one. Throws TargetError when it is missing. */
export function required(argument: string, usage: string): string {
  if (argument === '') throw new TargetError(`nothing given; usage: ${usage}`);
  return argument;
}
