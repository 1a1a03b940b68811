import type { WatchRange } from '../engine/watch-list.js';
import type { Machine } from '../machine/machine.js';
import type { WatchAccess } from './debug-target.js';
import { type IntervalPages, touches } from './page-set.js';

interface Watchpoint {
  readonly access: WatchAccess;
  readonly address: bigint;
  readonly length: number;
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
  readonly #breakpoints = new Map<string, bigint>();
  readonly #watchpoints = new Map<string, Watchpoint>();
  #changed = true;
  #armed: 'none' | 'all' | 'watchpoints' = 'none';
  /** Whose points a machine has been given. */
  static readonly #armedOn = new WeakMap<Machine, DebugPoints>();

  constructor(readonly machine: Machine) {}

  get empty(): boolean {
    return this.#breakpoints.size === 0 && this.#watchpoints.size === 0;
  }

  /** Equal for equal sets, whatever was inserted and removed in between. */
  get key(): string {
    return [...this.#breakpoints.keys(), ...this.#watchpoints.keys()].sort().join(';');
  }

  /** Whether a run that touched only these pages can have reached any of the points. */
  mayTouch(touched: IntervalPages): boolean {
    for (const address of this.#breakpoints.values()) {
      const page = pageOf(address);
      if (touches(touched.executed, page, page)) return true;
    }
    for (const { access, address, length } of this.#watchpoints.values()) {
      // What was only read is not noted.
      if (access !== 'write') return true;
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

  insertBreakpoint(address: bigint): void {
    this.#breakpoints.set(address.toString(), address);
    this.#changed = true;
  }

  removeBreakpoint(address: bigint): void {
    this.#breakpoints.delete(address.toString());
    this.#changed = true;
  }

  insertWatchpoint(access: WatchAccess, address: bigint, length: number): void {
    this.#watchpoints.set(`${access} ${address} ${length}`, { access, address, length });
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

  /** Gives the machine what it shall stop at from now on. */
  arm(which: 'none' | 'all' | 'watchpoints'): void {
    const mine = DebugPoints.#armedOn.get(this.machine) === this;
    if (mine && !this.#changed && this.#armed === which) return;
    DebugPoints.#armedOn.set(this.machine, this);
    this.#changed = false;
    this.#armed = which;
    this.machine.setBreakpoints(which === 'all' ? [...this.#breakpoints.values()].map(words) : []);
    const ranges = [...this.#watchpoints.values()].map(
      ({ access, address, length }): WatchRange => ({ kind: access, ...words(address), length }),
    );
    this.machine.setWatchpoints(which === 'none' ? [] : ranges);
  }
}
