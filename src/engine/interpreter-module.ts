import type { CommonPlan } from '../memory/memory-plan.js';
import { MOST_MEMORY_PAGES, ModuleBuilder } from '../wasm/module-builder.js';
import { type EngineHost, REGION_FUNCTIONS, REGION_PARAMETERS } from './engine-layout.js';
import type { InstructionSet } from './instruction-set.js';
import { InterpreterEmitter } from './interpreter.js';
import { nodesOf } from './semantics.js';
import { calledBy, defineRuntime } from './softfloat/runtime.js';

export interface InterpreterModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Names of the system operations, by the number `EngineHost.system` is called with. */
  readonly systemOperations: readonly string[];
}

/**
 * Generates the interpreter: one wasm function that walks predecoded pages.
 *
 * `ip` points at the entry of the next instruction; the pc follows from it and is only computed when asked
 * for. Leaving at an instruction leaves the machine as it was before that instruction.
 */
export function generateInterpreter(
  isa: InstructionSet,
  plan: CommonPlan,
  /** Jumps to an instruction, up to 256, after which it is hot; undefined: no regions. */
  hotAfter: number | undefined,
): InterpreterModule {
  const builder = new ModuleBuilder();
  builder.importMemory('host', 'memory', 1, MOST_MEMORY_PAGES);
  if (hotAfter !== undefined) builder.importTable('host', 'regions', REGION_FUNCTIONS);
  const i32 = 'i32' as const;
  const hostImport = (name: keyof EngineHost, parameters: number, result = true) =>
    builder.importFunction('host', name, Array<'i32'>(parameters).fill(i32), result ? [i32] : []);
  const lists = isa.instructions.some(one => nodesOf(one.semantics).some(({ kind }) => kind === 'list'));
  const imports: Record<keyof EngineHost, number> = {
    fetch: hostImport('fetch', 0),
    decode: hostImport('decode', 1),
    cross: hostImport('cross', 0),
    breakpoint: hostImport('breakpoint', 1),
    load: hostImport('load', 3),
    store: hostImport('store', 3),
    commit: hostImport('commit', 0, false),
    special: hostImport('special', 6),
    system: hostImport('system', 1),
    illegal: hostImport('illegal', 0),
    resume: hostImport('resume', 0),
    hot: hostImport('hot', 1, false),
    list: lists ? hostImport('list', 5) : -1,
  };
  const regions =
    hotAfter !== undefined ? { type: builder.type(REGION_PARAMETERS, [i32]), hotAfter } : undefined;
  const runtime = defineRuntime(builder, flagsChange(isa), calledBy(isa));
  const run = builder.function([i32, i32, i32, i32], [i32], 'run');
  const emitter = new InterpreterEmitter(run.body, isa, plan, imports, runtime, regions);
  emitter.emit();
  return { bytes: builder.finish(), systemOperations: emitter.systemOperations };
}

function flagsChange({ floatFlags }: InstructionSet) {
  if (floatFlags === undefined) return undefined;
  const { field, marks } = floatFlags;
  return { distance: marks.field.offset - field.offset, mask: marks.mask };
}
