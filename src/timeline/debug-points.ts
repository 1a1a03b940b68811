import type { WriteWatch } from '../machine/foreign-writes.js';
import type { CodePoint, HitCondition, Machine, WatchRange } from '../machine/machine.js';
import { BrokenInvariant } from '../state/invariant.js';
import {
  type BreakpointOptions,
  type Condition,
  type ConditionSource,
  conditionOf,
  type FromCode,
} from './condition.js';
import type { WatchAccess } from './debug-target.js';
import { type IntervalPages, touches, UNKNOWN_PAGE } from './search/page-set.js';
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
 * What the machine stops at. `forward`: everything, and breakpoints with actions act; `search`: everything that
 * stops; `watchpoints`: no breakpoints.
 */
export type Armed = 'none' | 'forward' | 'search' | 'watchpoints';

/** The points of one pass over a history. Whatever runs the machine arms them first: none stay from before. */
export interface PassPoints {
  arm(): void;
}

/** An address as the machine takes it: two unsigned words. */
const words = (address: bigint) => ({
  low: Number(address & 0xffffffffn),
  high: Number((address >> 32n) & 0xffffffffn),
});

const pageOf = (address: bigint) => Number(BigInt.asUintN(64, address) >> 12n);

/**
 * The debugger's breakpoints and watchpoints. They belong to the timeline: snapshots never hold them, and
 * they are given to the machine only while it runs for the debugger, as a difference of sets.
 */
export class DebugPoints {
  readonly #breakpoints = new Map<string, Breakpoint>();
  readonly #watchpoints = new Map<string, Watchpoint>();
  #changed = true;
  #armed: Armed = 'none';
  #besides: CodePoint | undefined;
  /** Whose points a machine has been given. */
  static readonly #armedOn = new WeakMap<Machine, DebugPoints>();

  constructor(
    readonly machine: Machine,
    /** Writes that the machine tells of besides. */
    readonly observed?: WriteWatch,
  ) {}

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
    this.#changed = true;
  }

  removeBreakpoint(address: bigint): void {
    this.#breakpoints.delete(address.toString());
    this.#changed = true;
  }

  insertWatchpoint(access: WatchAccess, address: bigint, length: number, condition?: Condition): void {
    this.#watchpoints.set(`${access} ${address} ${length}`, { access, address, length, condition });
    this.#changed = true;
  }

  removeWatchpoint(access: WatchAccess, address: bigint, length: number): void {
    this.#watchpoints.delete(`${access} ${address} ${length}`);
    this.#changed = true;
  }

  clear(): void {
    this.#breakpoints.clear();
    this.#watchpoints.clear();
    this.#changed = true;
  }

  /** The points for a pass, with one `besides` that is of this pass alone. */
  for(which: Armed, besides?: CodePoint): PassPoints {
    return { arm: () => this.#arm(which, besides) };
  }

  /** Gives the machine what it shall stop at from now on. */
  #arm(which: Armed, besides: CodePoint | undefined): void {
    const mine = DebugPoints.#armedOn.get(this.machine) === this;
    if (mine && !this.#changed && this.#armed === which && this.#besides === besides) return;
    DebugPoints.#armedOn.set(this.machine, this);
    this.#changed = false;
    this.#armed = which;
    this.#besides = besides;
    const points = this.#codePoints(which);
    this.machine.setBreakpoints(besides === undefined ? points : withPoint(points, besides));
    const ranges = [...this.#watchpoints.values()].map(
      ({ access, address, length, condition }): WatchRange => ({
        kind: access,
        ...words(address),
        length,
        condition: this.#hitCondition({ condition }),
      }),
    );
    this.machine.setWatchpoints(which === 'none' ? [] : ranges, which === 'none' ? undefined : this.observed);
  }

  /** Throws BrokenInvariant when a machine stops at something else than it was given last. */
  static check(machine: Machine): void {
    const armed = DebugPoints.#armedOn.get(machine);
    if (armed !== undefined) armed.#check();
  }

  #check(): void {
    if (this.#changed) return;
    const points = this.#codePoints(this.#armed);
    const known = this.#besides === undefined ? points : withPoint(points, this.#besides);
    const ranges = this.#armed === 'none' ? [] : [...this.#watchpoints.values()];
    const named = (all: readonly { low: number; high: number; length?: number }[]) =>
      all
        .map(({ low, high, length = 0 }) => `${high}:${low}+${length}`)
        .sort()
        .join(' ');
    const [armed, expected] = [
      named(this.machine.armed),
      named([...known, ...ranges.map(({ address, length }) => ({ ...words(address), length }))]),
    ];
    if (armed !== expected)
      throw new BrokenInvariant(
        'the points',
        `armed for ${this.#armed} are "${armed}" and not "${expected}"`,
      );
  }

  #codePoints(which: Armed): CodePoint[] {
    if (which !== 'forward' && which !== 'search') return [];
    const points = which === 'forward' ? this.#breakpoints : this.#stopping;
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

/** The machine takes one point at an address: there, either condition is enough. */
function withPoint(points: readonly CodePoint[], added: CodePoint): CodePoint[] {
  const there = points.find(({ low, high }) => low === added.low && high === added.high);
  if (there === undefined) return [...points, added];
  const conditions = [there.condition, added.condition];
  const either = { holds: (hart: number) => conditions.some(one => one?.holds(hart) ?? true) };
  return points.map(point => (point === there ? { ...point, condition: either } : point));
}
