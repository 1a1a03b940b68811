import type { CommonPlan } from '../memory/memory-plan.js';
import type { DecodeCache } from './decode-cache.js';
import { type EngineHost, REGION_FUNCTIONS, type RunFunction } from './engine-layout.js';
import type { InstructionSet } from './instruction-set.js';
import { generateInterpreter, type InterpreterModule } from './interpreter-module.js';
import { RegionJit } from './jit/region-jit.js';
import { preparedInterpreter } from './prepared-interpreters.js';
import type { WatchRange } from './watch-list.js';
import { watchStores } from './watched-stores.js';
import type { WriteWatch } from './write-watch.js';

/** How code is run. What the guest sees does not depend on it, so it is no part of a machine's configuration. */
export interface EngineOptions {
  /** Compile what runs often. */
  readonly jit: boolean;
  /** Taken jumps to an instruction before code is compiled from there on, up to 256 or in multiples of it. */
  readonly hotAfter?: number;
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
  readonly #table: WebAssembly.Table;
  #run: RunFunction = () => 0;

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
    this.#table = new WebAssembly.Table({ element: 'anyfunc', initial: REGION_FUNCTIONS });
    this.regions = options.jit
      ? new RegionJit(decode, ramBase, this.#table, {
          physical: Math.max(1, physical / MOST_COUNTED),
          translated: Math.max(1, translated / MOST_COUNTED),
        })
      : undefined;
  }

  get run(): RunFunction {
    return this.#run;
  }

  /** Stores near these ranges are left to the host. */
  setWatchpoints(ranges: readonly WatchRange[], observed: WriteWatch | undefined): void {
    watchStores(this.decode.memory, ranges, observed, this.ramBase);
  }

  /** Generated code calls the host that `current` returns: that of the hart which is running. */
  connect(current: () => EngineHost): void {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(this.interpreter.bytes), {
      host: {
        memory: this.decode.memory.memory,
        regions: this.#table,
        fetch: () => current().fetch(),
        decode: entry => current().decode(entry),
        cross: () => current().cross(),
        breakpoint: entry => current().breakpoint(entry),
        load: (access, low, high) => current().load(access, low, high),
        store: (access, low, high) => current().store(access, low, high),
        commit: () => current().commit(),
        special: (a, b, c, d, e, f) => current().special(a, b, c, d, e, f),
        list: (access, file, registers, low, high) => current().list(access, file, registers, low, high),
        system: operation => current().system(operation),
        illegal: () => current().illegal(),
        resume: () => current().resume(),
        hot: entry => current().hot(entry),
      },
    });
    this.#run = instance.exports.run as RunFunction;
    if (this.regions !== undefined) this.regions.runtime = instance.exports as RegionJit['runtime'];
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
