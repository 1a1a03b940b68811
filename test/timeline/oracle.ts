import { buildMachine } from '../../src/boards/build-machine.js';
import type { MachineConfig } from '../../src/ports/config.js';
import type { LoggedEvent } from '../../src/ports/input-event.js';
import { MachineDigest } from '../../src/snapshot/digest.js';
import type { MachineSource } from '../../src/timeline/machine-source.js';

/** What a machine was at every boundary of its history, found by taking one step at a time. */
export interface Trace {
  /** Digest of the whole machine after all events of each boundary. */
  readonly digests: readonly string[];
  /** The hart that takes the next step, and whether that step is an instruction at its pc. */
  readonly harts: readonly number[];
  readonly pcs: readonly (bigint | undefined)[];
  /** Boundaries before the steps that write the watched word; those that change it are found by looking. */
  readonly writes: readonly number[];
}

export const digestText = (digest: MachineDigest) => Object.values(digest.compute()).join(' ');

/** Steps a machine of its own through a history. It takes no snapshot and never goes back. */
export function traceOf(
  source: Pick<MachineSource, 'images'> & { config: MachineConfig },
  events: readonly LoggedEvent[],
  end: number,
  watched: number,
): Trace {
  const machine = buildMachine(source.config, source.images, { serial: { write: () => {} } }, { jit: false });
  const digest = new MachineDigest(machine.board.memory, machine.board.plan);
  const digests: string[] = [];
  const harts: number[] = [];
  const pcs: (bigint | undefined)[] = [];
  const writes: number[] = [];
  const watchpoints = [{ kind: 'write', low: watched, high: 0, length: 4 } as const];
  const points = { breakpoints: [], watchpoints };
  const word = machine.board.bus.hostAddress(watched, 4, false) >> 2;
  let before = machine.board.memory.u32[word];
  let cursor = 0;
  for (let icount = 0; icount <= end; icount++) {
    if (icount > 0) machine.run(icount, { points, collect: hit => writes.push(hit.icount) });
    const now = machine.board.memory.u32[word];
    if (now !== before && writes.at(-1) !== icount - 1)
      throw new Error(`a write was missed at ${icount - 1}`);
    before = now;
    while (cursor < events.length && events[cursor].icount === icount) machine.apply(events[cursor++].event);
    const hart = machine.nextHart;
    digests.push(digestText(digest));
    harts.push(hart);
    const runs = machine.board.harts[hart].traps.interrupt() < 0 && !machine.poweredOff;
    pcs.push(runs ? machine.debug.programCounter(hart) : undefined);
  }
  return { digests, harts, pcs, writes };
}
