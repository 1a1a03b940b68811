import type { CodeInstruction, RegionCode } from './region-code.js';

/** Instructions that run one after the other. Blocks are numbered in the order of their addresses. */
export interface Block {
  readonly low: number;
  readonly instructions: readonly CodeInstruction[];
  /** How many of them the region runs: a last one that is interpreted is none of its business. */
  readonly steps: number;
  /** Instructions from here to the region's end: no more are run before a loop is entered again. */
  readonly ahead: number;
}

/**
 * Blocks, and the loops they form. Each backward edge makes an interval of blocks a loop; loops that overlap
 * grow until they nest, so that each is one WebAssembly loop. Any flow graph can be brought into this form:
 * an edge into the middle of a loop goes to its head, with a selector that says where to go on.
 */
export interface ControlStructure {
  readonly blocks: readonly Block[];
  readonly blockAt: ReadonlyMap<number, number>;
  /** Last block of the loop that starts at a block. */
  readonly loopEnd: ReadonlyMap<number, number>;
  /** Blocks in the middle of a loop that are reached from outside, by the loop's first block. */
  readonly throughHead: ReadonlyMap<number, ReadonlySet<number>>;
  /** Blocks where the region can be entered: those asked for and the heads of loops. */
  readonly entries: readonly number[];
  /** Blocks that some edge reaches other than by falling through. */
  readonly landings: ReadonlySet<number>;
}

export function structureOf(code: RegionCode): ControlStructure {
  const { instructions } = code;
  const leaders = new Set<number>(code.entries);
  leaders.add(instructions[0].low);
  for (const [index, one] of instructions.entries()) {
    // Where instructions overlap, the next one is not the next in the list.
    const apart = instructions[index + 1]?.low !== one.low + one.length;
    if (one.flow !== 'next' || apart) leaders.add(one.low + one.length);
    if (one.flow === 'branch' || one.flow === 'jump' || one.flow === 'call') leaders.add(one.target);
  }
  const groups: CodeInstruction[][] = [];
  let expected = -1;
  for (const one of instructions) {
    if (one.low !== expected || leaders.has(one.low)) groups.push([]);
    groups[groups.length - 1].push(one);
    expected = one.low + one.length;
  }
  let ahead = 0;
  const blocks: Block[] = [];
  for (let i = groups.length - 1; i >= 0; i--) {
    const group = groups[i];
    const steps = group.length - (group[group.length - 1].flow === 'interpret' ? 1 : 0);
    ahead += steps;
    blocks.push({ low: group[0].low, instructions: group, steps, ahead });
  }
  blocks.reverse();
  const blockAt = new Map(blocks.map((block, index) => [block.low, index]));

  const loopEnd = new Map<number, number>();
  const landings = new Set<number>();
  blocks.forEach((block, index) => {
    for (const target of jumpsOf(block, index, blockAt)) {
      if (target <= index) loopEnd.set(target, Math.max(loopEnd.get(target) ?? 0, index));
      else landings.add(target);
    }
  });
  nest(loopEnd);

  const entries = new Set(loopEnd.keys());
  for (const low of code.entries) entries.add(blockAt.get(low)!);
  for (const entry of entries) landings.add(entry);

  const throughHead = new Map<number, Set<number>>();
  for (const entry of entries) noteHeads(throughHead, loopEnd, entry, 0, blocks.length - 1);
  blocks.forEach((block, index) => {
    for (const target of jumpsOf(block, index, blockAt)) {
      if (target <= index) continue;
      let first = -1;
      let last = blocks.length - 1;
      for (const [start, end] of loopEnd) {
        if (start <= index && target <= end && start > first) [first, last] = [start, end];
      }
      noteHeads(throughHead, loopEnd, target, first + 1, last);
    }
  });
  return {
    blocks,
    blockAt,
    loopEnd,
    throughHead,
    entries: [...entries].sort((a, b) => a - b),
    landings,
  };
}

/** The blocks a block goes to other than by falling through or by an indirect jump. */
function jumpsOf(block: Block, index: number, blockAt: ReadonlyMap<number, number>): number[] {
  const last = block.instructions[block.instructions.length - 1];
  const targets: number[] = [];
  if (last.flow === 'branch' || last.flow === 'jump' || last.flow === 'call') {
    const taken = blockAt.get(last.target);
    if (taken !== undefined) targets.push(taken);
  }
  if (last.flow === 'branch' || last.flow === 'next') {
    const next = blockAt.get(last.low + last.length);
    if (next !== undefined && next !== index + 1) targets.push(next);
  }
  return targets;
}

/** Notes, for each loop within [from, last] that holds the block in its middle, that it is reached through the head. */
function noteHeads(
  throughHead: Map<number, Set<number>>,
  loopEnd: ReadonlyMap<number, number>,
  block: number,
  from: number,
  last: number,
): void {
  for (let at = from; at <= last && at < block; ) {
    const end = loopEnd.get(at);
    if (end === undefined) {
      at++;
    } else if (block > end) {
      at = end + 1;
    } else {
      throughHead.set(at, (throughHead.get(at) ?? new Set()).add(block));
      noteHeads(throughHead, loopEnd, block, at + 1, end);
      return;
    }
  }
}

/** Extends intervals that overlap until each pair is nested or apart. */
function nest(loopEnd: Map<number, number>): void {
  const starts = [...loopEnd.keys()].sort((a, b) => a - b);
  for (let changed = true; changed; ) {
    changed = false;
    for (const outer of starts) {
      for (const inner of starts) {
        const end = loopEnd.get(outer)!;
        if (inner <= outer || inner > end || loopEnd.get(inner)! <= end) continue;
        loopEnd.set(outer, loopEnd.get(inner)!);
        changed = true;
      }
    }
  }
}
