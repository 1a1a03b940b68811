/** Reservations of LR that writes end: unprivileged spec 8.2. */
import { CONTROL, RESERVED_SIZE_MASK } from '../engine/engine-layout.js';
import { GRANULE, type GuestMemory, PAGE_FLAG } from '../memory/guest-memory.js';
import type { ReservationKeeper } from '../memory/invalidation.js';
import { CODE_GRANULE_SHIFT, PAGE_SHIFT } from '../memory/memory-plan.js';
import type { StateOf } from '../state/layout.js';
import type { HartState } from './hart-state.js';
import type { reservationState } from './reservation-state.js';
import { yieldReservation } from './traps.js';

const PAGE_FROM_GRANULE = PAGE_SHIFT - CODE_GRANULE_SHIFT;

/** A writer that is no hart: a device, or a debugger. */
export const NO_HART = -1;

/**
 * The bytes that harts have reserved. A reservation set is what the LR read, the smallest that the manual allows. One
 * hart runs at a time, so only what the others have reserved has to be found in its stores: they are led here by marks
 * in the granule map, which change when another hart gets its turn.
 */
export class Reservations implements ReservationKeeper {
  /** The hart whose own stores do not count; undefined: the marks are not those of the present state. */
  #running: number | undefined;
  readonly #marked: number[] = [];
  /** Whether any hart may hold one: most of the time none does, and turns cost nothing. */
  #mayHold = true;

  constructor(
    private readonly state: StateOf<ReturnType<typeof reservationState>>,
    private readonly harts: readonly HartState[],
    private readonly memory: GuestMemory,
  ) {
    memory.invalidation.tellOfReservations(this);
  }

  /** From now on it is this hart that writes, or NO_HART. */
  run(hart: number): void {
    if (this.#running === hart) return;
    this.#running = hart;
    if (this.#mayHold) this.#mark();
  }

  /** The declared state was replaced. */
  afterRestore(): void {
    this.#unmark();
    this.#running = undefined;
    this.#mayHold = true;
  }

  /** Takes over what generated code has noted of the running hart's last LR. */
  settle(): void {
    const { u32, plan } = this.memory;
    const control = (plan.control + CONTROL.reservedAt) >> 2;
    const noted = u32[control];
    if (noted === 0 || this.#running === undefined) return;
    u32[control] = 0;
    this.#mayHold = true;
    const size = 4 * (noted & RESERVED_SIZE_MASK);
    const host = noted - size / 4;
    this.state.offset[this.#running] = Math.max(host - plan.ram, 0);
    this.state.size[this.#running] = host < plan.ram ? 0 : size;
  }

  /** The hart whose turn it is writes these bytes. */
  reservedWritten(hostAddress: number, length: number): void {
    this.#end(hostAddress, length, this.#running ?? NO_HART);
  }

  /** A device writes these bytes. */
  writtenByDevice(hostAddress: number, length: number): void {
    this.settle();
    this.#end(hostAddress, length, NO_HART);
  }

  #end(hostAddress: number, length: number, writer: number): void {
    const from = hostAddress - this.memory.plan.ram;
    let ended = false;
    for (let hart = 0; hart < this.harts.length; hart++) {
      if (hart === writer || !this.#holds(hart)) continue;
      const offset = this.state.offset[hart];
      if (offset >= from + length || offset + this.state.size[hart] <= from) continue;
      yieldReservation(this.harts[hart]);
      ended = true;
    }
    if (ended) this.#mark();
  }

  #holds(hart: number): boolean {
    const address = this.harts[hart].reservedAddress;
    return (address[0] & address[1]) !== -1 && this.state.size[hart] !== 0;
  }

  #mark(): void {
    this.#unmark();
    const { flags, granuleMap } = this.memory;
    this.#mayHold = false;
    for (let hart = 0; hart < this.harts.length; hart++) {
      if (!this.#holds(hart)) continue;
      this.#mayHold = true;
      if (hart === this.#running) continue;
      const granule = this.state.offset[hart] >>> CODE_GRANULE_SHIFT;
      granuleMap[granule] |= GRANULE.reserved;
      flags[granule >>> PAGE_FROM_GRANULE] |= PAGE_FLAG.reserved;
      this.#marked.push(granule);
    }
  }

  #unmark(): void {
    const { flags, granuleMap } = this.memory;
    for (const granule of this.#marked) {
      granuleMap[granule] &= ~GRANULE.reserved;
      flags[granule >>> PAGE_FROM_GRANULE] &= ~PAGE_FLAG.reserved;
    }
    this.#marked.length = 0;
  }
}
