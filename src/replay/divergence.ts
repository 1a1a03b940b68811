import type { LoggedEvent } from '../ports/input-event.js';
import { describeEvent } from '../ports/input-event.js';
import type { FieldDifference, StatePlan } from '../state/layout.js';
import type { Checkpoint } from './recording.js';
import type { Sequence } from './sequence.js';

/** A replay reached a checkpoint with another machine state than the recorder. */
export interface DivergenceReport {
  /** Icount of the checkpoint that did not agree. */
  readonly icount: number;
  /** The last checkpoint that agreed, or the first icount. */
  readonly previousIcount: number;
  /** Components whose digest or state differs. */
  readonly components: readonly string[];
  /** Where declared state differs: `left` as recorded, `right` as replayed. At most 16. */
  readonly fields: readonly FieldDifference[];
  /** The recorded inputs between the two checkpoints, where they are known. */
  readonly inputs?: Sequence<LoggedEvent>;
}

/** Thrown by a replay. The message is for the user: see describeDivergence. */
export class DivergenceError extends Error {
  override readonly name = 'DivergenceError';

  constructor(readonly report: DivergenceReport) {
    super(describeDivergence(report));
  }
}

/**
 * Compares a checkpoint as found in replay with the recorded one of the same icount. Undefined when they agree.
 * `previousIcount` is the icount of the last one that agreed, the recording's first to begin with; `unlike` names
 * components whose state was declared otherwise when it was recorded: they are left out, and no fields are named.
 */
export function findDivergence(
  recorded: Checkpoint,
  found: Checkpoint,
  plan: StatePlan,
  previousIcount: number,
  unlike: readonly string[] = [],
): DivergenceReport | undefined {
  const names = new Set([...Object.keys(recorded.digests), ...Object.keys(found.digests)]);
  const components = [...names].filter(
    name => recorded.digests[name] !== found.digests[name] && !unlike.includes(name),
  );
  const left = recorded.state;
  const right = found.state;
  const comparable = left.length === plan.byteLength && right.length === plan.byteLength;
  const sameState =
    unlike.length > 0 || (left.length === right.length && left.every((byte, i) => byte === right[i]));
  if (components.length === 0 && sameState) return undefined;

  const fields = comparable && !sameState ? plan.differences(left, right) : [];
  for (const { component } of fields) if (!components.includes(component)) components.push(component);
  return { icount: recorded.icount, previousIcount, components, fields };
}

/** One line, then one indented line for the inputs and for each field that differs. */
export function describeDivergence(report: DivergenceReport): string {
  const { icount, previousIcount, components, fields, inputs } = report;
  const where = components.length > 0 ? components.join(', ') : 'the layout of the declared state';
  const lines = fields.map(({ component, field, index, left, right }) => {
    const element = index === undefined ? '' : `[${index}]`;
    return `  ${component}.${field}${element}: recorded ${left}, replayed ${right}`;
  });
  const first = `replay diverges from the recording after icount ${previousIcount} and up to ${icount}, in ${where}`;
  return [first, ...(inputs === undefined ? [] : [describeInputs(inputs)]), ...lines].join('\n');
}

function describeInputs(inputs: Sequence<LoggedEvent>): string {
  const last = inputs.at(inputs.length - 1);
  if (last === undefined) return '  inputs in this interval: none';
  return `  inputs in this interval: ${inputs.length}, the last at icount ${last.icount}: ${describeEvent(last.event)}`;
}
