import type { BuildMachine } from '../../boards/build-machine.js';
import type { Machine, RunOptions } from '../../machine/machine.js';
import type { BootImage, MachineConfig } from '../../ports/config.js';
import type { HostClock } from '../../ports/host.js';
import { InputLog } from '../../replay/input-log.js';
import { type ReadSharedPage, SnapshotReceiver } from '../../snapshot/shared-snapshot.js';
import type { FromCode } from '../condition.js';
import { DebugPoints } from '../debug-points.js';
import { HitCollector } from './interval-hits.js';
import { touchedPages } from './page-set.js';
import type { IntervalFindings, SearchTask } from './search-pool.js';

const NOWHERE = { write: () => {} };
/** Bounds of the host time, in ms, between two looks at whether to stop. */
const SHORT_SLICE_MS = 2;
const LONG_SLICE_MS = 10;
const FIRST_SLICE = 50_000;
const LONGEST_SLICE = 2 ** 24;

/** What another thread's machine must be able to do; the thread brings it along. */
export interface SearcherPorts {
  readonly build: BuildMachine;
  readonly engine: { readonly jit: boolean };
  readonly clock: Pick<HostClock, 'nowMs'>;
  readonly fromCode: FromCode;
  readonly readPage: ReadSharedPage;
}

/** A machine of its own that runs intervals of another one's history, for a search in its own thread. */
export class IntervalSearcher {
  readonly #machine: Machine;
  readonly #receiver: SnapshotReceiver;
  readonly #points: DebugPoints;
  #pointsKey: string | undefined;
  #sliceSteps = FIRST_SLICE;

  constructor(
    config: MachineConfig,
    images: readonly BootImage[],
    readonly ports: SearcherPorts,
  ) {
    this.#machine = ports.build(config, images, { serial: NOWHERE }, ports.engine);
    this.#receiver = new SnapshotReceiver(this.#machine.memory, ports.readPage);
    this.#points = new DebugPoints(this.#machine);
  }

  /** Runs an interval. Throws Error when the machine does not get to its end. */
  search(task: SearchTask, cancelled: () => boolean): IntervalFindings | 'cancelled' {
    const machine = this.#machine;
    const { start, end } = task;
    this.#arm(task);
    if (!this.#receiver.restore(task.snapshot, cancelled)) return 'cancelled';
    machine.afterRestore();
    machine.startNoting();
    const found = new HitCollector(start);
    const log = new InputLog(task.events);
    const pass = { idle: 'jump', collect: found.collect } as const;
    for (let cursor = 0; ; ) {
      while (log.nextIcount(cursor) === machine.icount) machine.apply(log.get(cursor++).event, pass);
      if (machine.icount >= end) break;
      if (cancelled()) return 'cancelled';
      const bound = Math.min(end, log.nextIcount(cursor), machine.icount + this.#sliceSteps);
      const stop = this.#slice(bound, pass);
      if (stop.kind === 'limit') continue;
      if (machine.icount < end)
        throw new Error(`the machine stopped at icount ${machine.icount}: ${stop.kind}`);
      break;
    }
    return { ...found.upTo(end), touched: touchedPages(machine) };
  }

  #slice(bound: number, pass: RunOptions) {
    const { clock } = this.ports;
    const from = this.#machine.icount;
    const startMs = clock.nowMs();
    const stop = this.#machine.run(bound, pass);
    const ms = clock.nowMs() - startMs;
    const whole = this.#machine.icount - from >= this.#sliceSteps;
    if (ms > LONG_SLICE_MS) this.#sliceSteps = Math.max(1_000, Math.floor(this.#sliceSteps / 2));
    else if (whole && ms < SHORT_SLICE_MS) this.#sliceSteps = Math.min(LONGEST_SLICE, 2 * this.#sliceSteps);
    return stop;
  }

  #arm({ points }: SearchTask): void {
    if (points.key !== this.#pointsKey) {
      this.#points.clear();
      this.#points.insertData(points, this.ports.fromCode);
      this.#pointsKey = points.key;
    }
    this.#points.for('search').arm();
  }
}
