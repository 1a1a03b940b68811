import type { CommonPlan } from '../memory/memory-plan.js';
import type { CodePoint, WatchRange } from '../ports/points.js';
import type { WriteWatch } from '../ports/write-watch.js';
import { BreakpointSet } from './breakpoint-set.js';
import type { DecodeCache } from './decode-cache.js';
import { type EngineHost, REGION_FUNCTIONS, type RunFunction } from './engine-layout.js';
import type { InstructionSet } from './instruction-set.js';
import { generateInterpreter, type InterpreterModule } from './interpreter-module.js';
import { RegionJit } from './jit/region-jit.js';
import { preparedInterpreter } from './prepared-interpreters.js';
import { watchStores } from './watched-stores.js';

/** How code is run. What the guest sees does not depend on it, so it is no part of a machine's configuration. */
export interface EngineOptions {
  /** Compile what runs often. */
  readonly jit: boolean;
  /** Taken jumps to an instruction before code is compiled from there on, up to 256 or in multiples of it. */
  readonly hotAfter?: number;
  /** Milliseconds of some clock, for what compiling takes in the statistics. */
  readonly now?: () => number;
}

/**
 * Compiling pays for itself after some thousand times. An operating system runs much code a little on its way up, of
 * which little is worth compiling; what its programs compute with reaches any number soon.
 */
const HOT_AFTER = { physical: 16384, translated: 131072 } as const;
/** Jumps that the interpreter counts before it reports a place, at most. */
const MOST_COUNTED = 256;

/** Runs guest code: the interpreter, and the regions it enters. */
export class Engine {
  /** Undefined: interpreter only. */
  readonly regions: RegionJit | undefined;
  readonly systemOperations: readonly string[];
  readonly interpreter: InterpreterModule;
  /** All that the interpreter was generated from. */
  readonly interpreterKey: string;
  /** Those that are set. */
  readonly breakpoints = new BreakpointSet();
  readonly #run: RunFunction;
  /** What generated code calls: the hart that is running. */
  #host!: EngineHost;

  /** `ramBase` is the physical address of the first byte of RAM. */
  constructor(
    readonly decode: DecodeCache,
    readonly ramBase: number,
    options: EngineOptions,
  ) {
    const { memory, isa } = decode;
    isa.table?.write(memory.memory.buffer, memory.plan.isaTable);
    const physical = options.hotAfter ?? HOT_AFTER.physical;
    const translated = options.hotAfter ?? HOT_AFTER.translated;
    const countTo = options.jit ? Math.min(physical, MOST_COUNTED) : undefined;
    this.interpreterKey = interpreterKey(isa, memory.plan, countTo);
    this.interpreter =
      preparedInterpreter(this.interpreterKey) ?? generateInterpreter(isa, memory.plan, countTo);
    this.systemOperations = this.interpreter.systemOperations;
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: REGION_FUNCTIONS });
    const { exports } = this.#instantiate(table);
    this.#run = exports.run as RunFunction;
    const patience = {
      physical: Math.max(1, physical / MOST_COUNTED),
      translated: Math.max(1, translated / MOST_COUNTED),
    };
    const now = options.now ?? (() => 0);
    this.regions = options.jit
      ? new RegionJit(decode, this.breakpoints, ramBase, table, exports, patience, now)
      : undefined;
  }

  /**
   * Runs a hart whose state stands at host address `state`; 0 when the budget is used up, 1 when the host asked to
   * leave. What generated code cannot do, it has `host` do.
   */
  run(host: EngineHost, state: number, fetchTlb: number, dataTlb: number, budget: number): number {
    this.#host = host;
    return this.#run(state, fetchTlb, dataTlb, budget);
  }

  /** At most one point at an address. */
  setBreakpoints(points: readonly CodePoint[]): void {
    this.breakpoints.set(points);
    this.decode.setBreakpointOffsets(new Set(points.map(({ low }) => low & 0xffe)));
    this.regions?.breakpointsChanged();
  }

  /** Stores near these ranges are left to the host. */
  setWatchpoints(ranges: readonly WatchRange[], observed: WriteWatch | undefined): void {
    watchStores(this.decode.memory, ranges, observed, this.ramBase);
  }

  #instantiate(table: WebAssembly.Table): WebAssembly.Instance {
    return new WebAssembly.Instance(new WebAssembly.Module(this.interpreter.bytes), {
      host: {
        memory: this.decode.memory.memory,
        regions: table,
        fetch: () => this.#host.fetch(),
        decode: entry => this.#host.decode(entry),
        cross: () => this.#host.cross(),
        breakpoint: entry => this.#host.breakpoint(entry),
        load: (access, low, high) => this.#host.load(access, low, high),
        store: (access, low, high) => this.#host.store(access, low, high),
        commit: () => this.#host.commit(),
        special: (a, b, c, d, e, f) => this.#host.special(a, b, c, d, e, f),
        list: (access, file, registers, low, high) => this.#host.list(access, file, registers, low, high),
        system: operation => this.#host.system(operation),
        illegal: () => this.#host.illegal(),
        resume: () => this.#host.resume(),
        hot: entry => this.#host.hot(entry),
      },
    });
  }
}

function interpreterKey(
  isa: InstructionSet,
  { mailbox, control, decode, marks, regionEntries, isaTable, flags, granuleMap, ram }: CommonPlan,
  hotAfter: number | undefined,
): string {
  const plan: CommonPlan = {
    mailbox,
    control,
    decode,
    marks,
    regionEntries,
    isaTable,
    flags,
    granuleMap,
    ram,
  };
  const names = isa.instructions.map(({ name }) => name).join();
  const pairs = isa.frequentPairs.map(([first, second]) => `${first.name} ${second.name}`).join();
  return JSON.stringify([isa.name, isa.bits, names, pairs, plan, hotAfter ?? 'no regions']);
}
