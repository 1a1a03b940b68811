import type { WatchRange } from '../engine/watch-list.js';
import type { Machine } from '../machine/machine.js';
import type { WatchAccess } from './debug-target.js';

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

/**
 * The debugger's breakpoints and watchpoints. They belong to the timeline: snapshots never hold them, and
 * they are given to the machine only while it runs for the debugger, as a difference of sets.
 */
export class DebugPoints {
  readonly #breakpoints = new Map<string, bigint>();
  readonly #watchpoints = new Map<string, Watchpoint>();
  #changed = true;
  #armed: 'none' | 'all' | 'watchpoints' = 'none';

  constructor(readonly machine: Machine) {}

  get empty(): boolean {
    return this.#breakpoints.size === 0 && this.#watchpoints.size === 0;
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
    if (!this.#changed && this.#armed === which) return;
    this.#changed = false;
    this.#armed = which;
    this.machine.setBreakpoints(which === 'all' ? [...this.#breakpoints.values()].map(words) : []);
    const ranges = [...this.#watchpoints.values()].map(
      ({ access, address, length }): WatchRange => ({ kind: access, ...words(address), length }),
    );
    this.machine.setWatchpoints(which === 'none' ? [] : ranges);
  }
}
