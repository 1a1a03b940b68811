import {
  allOf,
  anyOf,
  type BreakpointOptions,
  type Condition,
  type HitAction,
} from '../../timeline/condition.js';
import type { DebugTarget, WatchAccess } from '../../timeline/debug-target.js';
import type { PointKind } from '../rsp/command.js';

type BreakpointKind = 'software' | 'hardware';

interface Watchpoint {
  readonly kind: WatchAccess;
  readonly address: bigint;
  readonly length: number;
  readonly condition: Condition | undefined;
}

/** A condition and how the user wrote it. */
export interface WatchCondition {
  readonly text: string;
  readonly condition: Condition;
}

/**
 * What the debugger has inserted. The protocol wants insertion and removal to be idempotent per type; a
 * software and a hardware breakpoint at one address are a single breakpoint of the target.
 */
export class Points {
  private readonly software = new Map<bigint, BreakpointOptions>();
  private readonly hardware = new Map<bigint, BreakpointOptions>();

  private readonly watchpoints = new Map<string, Watchpoint>();
  private readonly conditions = new Map<bigint, WatchCondition>();

  constructor(private readonly target: DebugTarget) {}

  /** Inserting one again replaces its condition and action. */
  insertBreakpoint(kind: BreakpointKind, address: bigint, options: BreakpointOptions): void {
    const before = this.combined(address);
    this[kind].set(address, options);
    this.update(address, before);
  }

  /** Where the user's condition for its address comes on top of one of its own. */
  insertWatchpoint(
    kind: WatchAccess,
    address: bigint,
    length: number,
    condition: Condition | undefined,
  ): void {
    this.watchpoints.set(`${kind} ${address} ${length}`, { kind, address, length, condition });
    const wanted = this.conditions.get(address)?.condition;
    this.target.insertWatchpoint(kind, address, length, together(condition, wanted));
  }

  get watchConditions(): ReadonlyMap<bigint, WatchCondition> {
    return this.conditions;
  }

  /** For the watchpoints that start at an address, those inserted later too; false: there was nothing to take away. */
  setWatchCondition(address: bigint, wanted: WatchCondition | undefined): boolean {
    const had = this.conditions.delete(address);
    if (wanted !== undefined) this.conditions.set(address, wanted);
    for (const point of this.watchpoints.values()) {
      if (point.address === address) {
        this.insertWatchpoint(point.kind, address, point.length, point.condition);
      }
    }
    return had || wanted !== undefined;
  }

  remove(point: PointKind, address: bigint, length: number): void {
    if (point !== 'software' && point !== 'hardware') {
      this.watchpoints.delete(`${point} ${address} ${length}`);
      this.target.removeWatchpoint(point, address, length);
      return;
    }
    const before = this.combined(address);
    this[point].delete(address);
    this.update(address, before);
  }

  clear(): void {
    this.software.clear();
    this.hardware.clear();
    this.watchpoints.clear();
    this.conditions.clear();
    this.target.clearBreakpoints();
  }

  /** The type to report for a stop at `address`. */
  breakpointKind(address: bigint): BreakpointKind {
    return this.hardware.has(address) && !this.software.has(address) ? 'hardware' : 'software';
  }

  private update(address: bigint, before: BreakpointOptions | undefined): void {
    const after = this.combined(address);
    if (after === undefined) {
      if (before !== undefined) this.target.removeBreakpoint(address);
      return;
    }
    const same = before?.condition?.key === after.condition?.key && before?.action === after.action;
    if (before === undefined || !same) this.target.insertBreakpoint(address, after);
  }

  /** What both types ask for together; undefined when neither is there. */
  private combined(address: bigint): BreakpointOptions | undefined {
    const [first, second] = [this.software.get(address), this.hardware.get(address)].filter(
      options => options !== undefined,
    );
    if (first === undefined || second === undefined) return first ?? second;
    return {
      condition: either(first.condition, second.condition),
      action: both(first.action, second.action),
    };
  }
}

function either(a: Condition | undefined, b: Condition | undefined): Condition | undefined {
  return a === undefined || b === undefined ? undefined : anyOf([a, b]);
}

/** One that stops is stronger than one that acts. */
function both(a: HitAction | undefined, b: HitAction | undefined): HitAction | undefined {
  return a !== undefined && b !== undefined ? a : undefined;
}

function together(a: Condition | undefined, b: Condition | undefined): Condition | undefined {
  return a === undefined || b === undefined ? (a ?? b) : allOf([a, b]);
}
