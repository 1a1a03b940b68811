import type { BuildMachine } from '../../boards/build-machine.js';
import type { PointSet } from '../../machine/machine.js';
import type { BootImage, MachineConfig } from '../../ports/config.js';
import type { HostClock } from '../../ports/host.js';
import { InputLog } from '../../replay/input-log.js';
import { type ReadSharedPage, SnapshotReceiver } from '../../snapshot/shared-snapshot.js';
import type { FromCode } from '../condition.js';
import { DebugPoints } from '../debug-points.js';
import { Replayer } from '../history/replayer.js';
import { Pace } from '../live/pace.js';
import { HitCollector } from './interval-hits.js';
import { touchedPages } from './page-set.js';
import type { IntervalFindings, SearchTask } from './search-pool.js';

const NOWHERE = { write: () => {} };

/** What another thread's machine must be able to do; the thread brings it along. */
export interface SearcherPorts {
  readonly build: BuildMachine;
  readonly engine: { readonly jit: boolean };
  readonly clock: Pick<HostClock, 'nowMs'>;
  readonly fromCode: FromCode;
  readonly readPage: ReadSharedPage;
}

/** The part of a history that an interval is. */
class IntervalReplayer extends Replayer {
  history = { log: new InputLog(), end: 0 };
}

/** A machine of its own that runs intervals of another one's history, for a search in its own thread. */
export class IntervalSearcher {
  readonly #replayer: IntervalReplayer;
  readonly #receiver: SnapshotReceiver;
  readonly #points: DebugPoints;
  #pointsKey: string | undefined;
  #cancelled = () => false;

  constructor(
    config: MachineConfig,
    images: readonly BootImage[],
    readonly ports: SearcherPorts,
  ) {
    const machine = ports.build(config, images, { serial: NOWHERE }, ports.engine);
    // Nobody else waits for this thread's turn; what cancels is looked at after each slice.
    const clock = { nowMs: () => ports.clock.nowMs(), sleep: async () => {} };
    this.#replayer = new IntervalReplayer(machine, new Pace(clock, () => this.#cancelled()));
    this.#receiver = new SnapshotReceiver(machine.memory, ports.readPage);
    this.#points = new DebugPoints(machine);
  }

  /** Runs an interval. Rejects with Error when the machine does not get to its end. */
  async search(task: SearchTask, cancelled: () => boolean): Promise<IntervalFindings | 'cancelled'> {
    const replayer = this.#replayer;
    const { machine } = replayer;
    const { start, end: icount, events } = task;
    this.#cancelled = cancelled;
    if (!this.#receiver.restore(task.snapshot, cancelled)) return 'cancelled';
    machine.afterRestore();
    machine.startNoting();
    replayer.history = { log: new InputLog(events), end: icount };
    replayer.cursor = 0;
    const hits = new HitCollector(start);
    const points = this.#pointsOf(task);
    const stop = await replayer.advance({ icount, cursor: events.length }, { points, collect: hits.collect });
    if (stop.kind === 'interrupted') return 'cancelled';
    if (machine.icount < icount)
      throw new Error(`the machine stopped at icount ${machine.icount}: ${stop.kind}`);
    return { ...hits.found, touched: touchedPages(machine) };
  }

  #pointsOf({ points }: SearchTask): PointSet {
    if (points.key !== this.#pointsKey) {
      this.#points.clear();
      this.#points.insertData(points, this.ports.fromCode);
      this.#pointsKey = points.key;
    }
    return this.#points.for('search');
  }
}
