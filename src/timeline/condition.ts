import type { HartView } from '../machine/hart-reader.js';

/**
 * What has to hold at a hit for it to count, forwards and backwards alike. It sees the hart that caused the
 * hit just before the instruction, must depend on the machine alone and must not change it.
 */
export interface Condition {
  /** Equal for conditions that always agree: hits that a search has found are kept under it. */
  readonly key: string;
  holds(hart: HartView): boolean;
  /** What it can be made from again in another thread; absent for one that cannot leave its thread. */
  readonly source?: ConditionSource | undefined;
}

/** A condition as data: expressions in the bytecode of agent expressions, of which any or all are to hold. */
export type ConditionSource =
  | { readonly code: Uint8Array }
  | { readonly any: readonly ConditionSource[] }
  | { readonly all: readonly ConditionSource[] };

/** Makes a condition of one expression's bytecode. */
export type FromCode = (code: Uint8Array) => Condition;

export function conditionOf(source: ConditionSource, fromCode: FromCode): Condition {
  if ('code' in source) return fromCode(source.code);
  return 'any' in source
    ? anyOf(source.any.map(one => conditionOf(one, fromCode)))
    : allOf(source.all.map(one => conditionOf(one, fromCode)));
}

/** Work for one hit, counted in hits, beyond which it counts as one that holds: the host waits meanwhile. */
export const MOST_WORK_OF_A_HIT = 2000;

export function anyOf(conditions: readonly Condition[]): Condition {
  if (conditions.length === 1) return conditions[0];
  const sources = sourcesOf(conditions);
  return {
    key: conditions.map(({ key }) => key).join(' or '),
    holds: hart => {
      const most = hart.work + MOST_WORK_OF_A_HIT;
      return conditions.some(one => one.holds(hart) || hart.work > most);
    },
    source: sources && { any: sources },
  };
}

export function allOf(conditions: readonly Condition[]): Condition {
  if (conditions.length === 1) return conditions[0];
  const sources = sourcesOf(conditions);
  return {
    key: conditions.map(({ key }) => key).join(' and '),
    holds: hart => conditions.every(one => one.holds(hart)),
    source: sources && { all: sources },
  };
}

function sourcesOf(conditions: readonly Condition[]): readonly ConditionSource[] | undefined {
  const sources = conditions.flatMap(({ source }) => (source === undefined ? [] : [source]));
  return sources.length === conditions.length ? sources : undefined;
}

/** What is done at a breakpoint instead of stopping, when running forwards. Must not change the machine. */
export type HitAction = (hart: HartView) => void;

export interface BreakpointOptions {
  readonly condition?: Condition | undefined;
  readonly action?: HitAction | undefined;
}
