import { toHex } from '../../ports/bytes-text.js';
import { describeEvent } from '../../ports/input-event.js';
import type { Checkpoint } from '../../replay/recording.js';
import type { FieldDifference } from '../../state/layout.js';
import { ReplayMismatch, TargetError } from '../debug-target.js';
import type { Navigator } from '../history/navigator.js';

/** One of two machines that replay the same recording: a Timeline is one. */
export interface Twin {
  readonly navigator: Navigator;
  checkpoint(): Checkpoint;
}

/** The first step after which two machines on the same recording are not the same. */
export interface StepDifference {
  /** The boundary before it, where they are. */
  readonly icount: number;
  /** The hart that takes the step, unless all sleep. */
  readonly hart: number | undefined;
  /** Where it stands, and the instruction there, in hexadecimal digits. */
  readonly pc: string;
  readonly instruction: string;
  /** Inputs that enter after the step. */
  readonly inputs: readonly string[];
  readonly components: readonly string[];
  readonly fields: readonly FieldDifference[];
  /** The first bytes of memory that differ, in hexadecimal digits. */
  readonly memory: { readonly where: string; readonly left: string; readonly right: string } | undefined;
}

/**
 * Finds where two machines part between two boundaries of the recording they replay. Undefined: they are the
 * same at `to`. Throws TargetError when interrupted, and when they already differ at `from`.
 */
export async function bisect(
  left: Twin,
  right: Twin,
  from: number,
  to: number,
): Promise<StepDifference | undefined> {
  const twins = [left, right];
  const same = async (icount: number): Promise<boolean> => {
    for (const twin of twins) await goTo(twin, icount);
    return sameDigests(left.checkpoint(), right.checkpoint());
  };
  if (!(await same(from))) throw new TargetError(`the two replays differ before icount ${from} already`);
  for (const { navigator } of twins) navigator.takeSnapshot();
  if (await same(to)) return undefined;
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await same(middle)) low = middle;
    else high = middle;
  }
  for (const twin of twins) await goTo(twin, low);
  const before = describePlace(left.navigator);
  for (const twin of twins) await goTo(twin, high);
  return { icount: low, ...before, ...describeState(left, right, high) };
}

/** As far towards a boundary as the machine gets: where it ends early, that is what it shows. */
async function goTo({ navigator }: Twin, icount: number): Promise<void> {
  try {
    const stop = await navigator.seek(navigator.branch.boundary(icount));
    if (stop.kind === 'interrupted') throw new TargetError('interrupted');
  } catch (error) {
    if (!(error instanceof ReplayMismatch)) throw error;
  }
}

const sameDigests = (left: Checkpoint, right: Checkpoint): boolean => differing(left, right).length === 0;

const differing = (left: Checkpoint, right: Checkpoint): string[] =>
  Object.keys(left.digests).filter(name => left.digests[name] !== right.digests[name]);

function describePlace({ machine }: Navigator): Pick<StepDifference, 'hart' | 'pc' | 'instruction'> {
  const hart = machine.nextHart;
  const { debug } = machine;
  const pc = debug.programCounter(hart);
  const code = debug.readMemory(hart, pc, 4);
  const length = machine.instructionLength(code[0] | (code[1] << 8));
  return {
    hart: machine.asleep ? undefined : hart,
    pc: pc.toString(16),
    instruction: toHex(code.slice(0, length).reverse()),
  };
}

function describeState(left: Twin, right: Twin, icount: number) {
  const [a, b] = [left.checkpoint(), right.checkpoint()];
  const { machine, history } = left.navigator;
  const { log } = history;
  const inputs = log
    .slice(log.indexAt(icount), log.indexAfter(icount))
    .map(({ event }) => describeEvent(event));
  return {
    inputs,
    components: differing(a, b),
    fields: machine.plan.differences(a.state, b.state),
    memory: firstMemoryDifference(left.navigator, right.navigator),
  };
}

const SHOWN_BYTES = 8;

function firstMemoryDifference(left: Navigator, right: Navigator): StepDifference['memory'] {
  const [a, b] = [left.machine.memory, right.machine.memory];
  const start = a.hostAddressOfPage(0);
  const end = a.hostAddressOfPage(a.pageCount);
  let at = start;
  while (at < end && a.u32[at >> 2] === b.u32[at >> 2]) at += 4;
  if (at === end) return undefined;
  while (a.u8[at] === b.u8[at]) at++;
  const offset = at - start;
  const { ramBytes } = a.plan;
  const where =
    offset < ramBytes
      ? `memory at 0x${(left.machine.ramBase + offset).toString(16)}`
      : 'memory of ROM and disks';
  const shown = ({ u8 }: typeof a) => toHex(u8.subarray(at, Math.min(at + SHOWN_BYTES, end)));
  return { where, left: shown(a), right: shown(b) };
}

/**
 * The step on the first line, then one line for each thing that differs. `names`: what to call the two; `place`: the
 * pc's.
 */
export function describeStepDifference(
  { icount, hart, pc, instruction, inputs, components, fields, memory }: StepDifference,
  names: readonly [string, string],
  place?: string,
): string[] {
  const who = hart === undefined ? 'all harts sleep' : `hart ${hart}`;
  const lines = fields.map(({ component, field, index, left, right }) => {
    const element = index === undefined ? '' : `[${index}]`;
    return `${component}.${field}${element}: ${names[0]} ${left}, ${names[1]} ${right}`;
  });
  if (memory !== undefined) {
    lines.push(`${memory.where}: ${names[0]} ${memory.left}, ${names[1]} ${memory.right}`);
  }
  return [
    `they part in the step after icount ${icount}, in ${components.join(', ')}: ${who}, pc 0x${pc}${place === undefined ? '' : ` ${place}`}, instruction 0x${instruction}`,
    ...inputs.map(input => `input after the step: ${input}`),
    ...lines,
  ];
}
