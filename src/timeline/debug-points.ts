import type { Machine, PointSet } from '../machine/machine.js';
import { type CodePoint, type HitCondition, UNKNOWN_PAGE, type WatchRange } from '../ports/points.js';
import {
  type BreakpointOptions,
  type Condition,
  type ConditionSource,
  conditionOf,
  type FromCode,
} from './condition.js';
import type { WatchAccess } from './debug-target.js';
import { type IntervalPages, touches } from './search/page-set.js';
import type { PointsData } from './search/search-pool.js';

interface Breakpoint extends BreakpointOptions {
  readonly address: bigint;
}

interface Watchpoint {
  readonly access: WatchAccess;
  readonly address: bigint;
  readonly length: number;
  readonly condition: Condition | undefined;
}

/**
 * For which runs points are wanted. `forward`: all, and breakpoints with actions act; `search`: all that stop;
 * `watchpoints`: no breakpoints.
 */
export type RunKind = 'forward' | 'search' | 'watchpoints';

/** An address as the machine takes it: two unsigned words. */
const words = (address: bigint) => ({
  low: Number(address & 0xffffffffn),
  high: Number((address >> 32n) & 0xffffffffn),
});

const pageOf = (address: bigint) => Number(BigInt.asUintN(64, address) >> 12n);

/**
 * The debugger's breakpoints and watchpoints. They belong to the timeline: snapshots never hold them, and the machine
 * is given a set of them with each run that is for the debugger.
 */
export class DebugPoints {
  readonly #breakpoints = new Map<string, Breakpoint>();
  readonly #watchpoints = new Map<string, Watchpoint>();
  /** The sets that were made since something changed. */
  readonly #made = new Map<RunKind, PointSet>();
  #ranges: readonly WatchRange[] = [];

  constructor(readonly machine: Machine) {}

  get empty(): boolean {
    return this.#stopping.size === 0 && this.#watchpoints.size === 0;
  }

  /** Breakpoints that stop: those with an action do not. */
  get #stopping(): ReadonlyMap<string, Breakpoint> {
    return new Map([...this.#breakpoints].filter(([, { action }]) => action === undefined));
  }

  /** Equal for equal sets, whatever was inserted and removed in between. */
  get key(): string {
    const named = (points: ReadonlyMap<string, { readonly condition?: Condition | undefined }>) =>
      [...points].map(([name, { condition }]) => (condition ? `${name} if ${condition.key}` : name));
    return [...named(this.#stopping), ...named(this.#watchpoints)].sort().join(';');
  }

  /** What a search looks for, as data; undefined when a condition cannot leave this thread. */
  get data(): PointsData | undefined {
    const breakpoints = [...this.#stopping.values()];
    const watchpoints = [...this.#watchpoints.values()];
    const bound = [...breakpoints, ...watchpoints].some(
      ({ condition }) => condition !== undefined && condition.source === undefined,
    );
    if (bound) return undefined;
    return {
      key: this.key,
      breakpoints: breakpoints.map(({ address, condition }) => ({ address, condition: condition?.source })),
      watchpoints: watchpoints.map(({ access, address, length, condition }) => ({
        access,
        address,
        length,
        condition: condition?.source,
      })),
    };
  }

  /** Inserts what was another thread's `data`. */
  insertData({ breakpoints, watchpoints }: PointsData, fromCode: FromCode): void {
    const made = (source: ConditionSource | undefined) => source && conditionOf(source, fromCode);
    for (const { address, condition } of breakpoints) {
      this.insertBreakpoint(address, { condition: made(condition) });
    }
    for (const { access, address, length, condition } of watchpoints) {
      this.insertWatchpoint(access, address, length, made(condition));
    }
  }

  /** Whether a run that touched only these pages can have reached any of the points. */
  mayTouch(touched: IntervalPages): boolean {
    for (const { address } of this.#stopping.values()) {
      const page = pageOf(address);
      if (touches(touched.executed, page, page)) return true;
    }
    for (const { access, address, length } of this.#watchpoints.values()) {
      // What was only read is not noted.
      if (access !== 'write') return true;
      if (touches(touched.written, UNKNOWN_PAGE, UNKNOWN_PAGE)) return true;
      if (touches(touched.written, pageOf(address), pageOf(address + BigInt(length - 1)))) return true;
    }
    return false;
  }

  get anyWatchpoint(): boolean {
    return this.#watchpoints.size > 0;
  }

  hasBreakpoint(address: bigint): boolean {
    return this.#breakpoints.has(address.toString());
  }

  /** Whether a hart that stands at this address is to stop there. */
  stopsAt(address: bigint, hart: number): boolean {
    const point = this.#breakpoints.get(address.toString());
    if (point === undefined || point.action !== undefined) return false;
    return point.condition?.holds(this.machine.debug.view(hart)) ?? true;
  }

  insertBreakpoint(address: bigint, options: BreakpointOptions = {}): void {
    this.#breakpoints.set(address.toString(), { ...options, address });
    this.#made.clear();
  }

  removeBreakpoint(address: bigint): void {
    this.#breakpoints.delete(address.toString());
    this.#made.clear();
  }

  insertWatchpoint(access: WatchAccess, address: bigint, length: number, condition?: Condition): void {
    this.#watchpoints.set(`${access} ${address} ${length}`, { access, address, length, condition });
    this.#made.clear();
  }

  removeWatchpoint(access: WatchAccess, address: bigint, length: number): void {
    this.#watchpoints.delete(`${access} ${address} ${length}`);
    this.#made.clear();
  }

  clear(): void {
    this.#breakpoints.clear();
    this.#watchpoints.clear();
    this.#made.clear();
  }

  /** The points for a run: the same value until something is inserted or removed. */
  for(kind: RunKind): PointSet {
    let set = this.#made.get(kind);
    if (set === undefined) {
      if (this.#made.size === 0) this.#ranges = this.#watchRanges();
      set = { breakpoints: this.#codePoints(kind), watchpoints: this.#ranges };
      this.#made.set(kind, set);
    }
    return set;
  }

  #watchRanges(): WatchRange[] {
    return [...this.#watchpoints.values()].map(({ access, address, length, condition }) => ({
      kind: access,
      ...words(address),
      length,
      condition: this.#hitCondition({ condition }),
    }));
  }

  #codePoints(kind: RunKind): CodePoint[] {
    if (kind === 'watchpoints') return [];
    const points = kind === 'forward' ? this.#breakpoints : this.#stopping;
    return [...points.values()].map(point => ({
      ...words(point.address),
      condition: this.#hitCondition(point),
    }));
  }

  #hitCondition({ condition, action }: BreakpointOptions): HitCondition | undefined {
    if (condition === undefined && action === undefined) return undefined;
    const { machine } = this;
    return {
      holds: hart => {
        const view = machine.debug.view(hart);
        view.work = 1;
        const holds = condition?.holds(view) ?? true;
        if (holds) action?.(view);
        machine.charge(view.work);
        return holds && action === undefined;
      },
    };
  }
}

/** A set and one point more. The machine takes one at an address: there, either condition is enough. */
export function withPoint({ breakpoints, ...others }: PointSet, added: CodePoint): PointSet {
  const there = breakpoints.find(({ low, high }) => low === added.low && high === added.high);
  if (there === undefined) return { ...others, breakpoints: [...breakpoints, added] };
  const conditions = [there.condition, added.condition];
  const either = { holds: (hart: number) => conditions.some(one => one?.holds(hart) ?? true) };
  const points = breakpoints.map(point => (point === there ? { ...point, condition: either } : point));
  return { ...others, breakpoints: points };
}
