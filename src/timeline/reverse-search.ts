import type { DebugHit } from '../machine/machine.js';
import type { Player } from './player.js';

/** Where a search backwards ends: the hit, and the boundary at which a debugger shall see it. */
export interface ReverseHit {
  readonly hit: DebugHit;
  readonly icount: number;
}

/**
 * The boundary at which a hit is shown when going backwards: at a breakpoint the instruction is undone, at a
 * watchpoint the access is not yet (GDB undoes it by a step of its own).
 */
const shownAt = (hit: DebugHit) => (hit.kind === 'breakpoint' ? hit.icount : hit.icount + 1);

/** Of two hits, the one that comes first when going backwards; a breakpoint before a watchpoint. */
function later(a: DebugHit | undefined, b: DebugHit): DebugHit {
  if (a === undefined || shownAt(b) > shownAt(a)) return b;
  if (shownAt(b) < shownAt(a)) return a;
  return a.kind === 'breakpoint' ? a : b;
}

/**
 * The nearest hit before the boundary `present`: from the newest snapshot interval back, each is run forward
 * once, and the last hit in it counts. Hits exactly at `present` that need no step back are breakpoints
 * already reported, and do not count.
 */
export async function findBackwards(
  player: Player,
  present: number,
): Promise<ReverseHit | 'none' | 'interrupted'> {
  let end = present;
  while (end > player.history.begin) {
    const start = player.snapshots.floor(end - 1);
    let best: DebugHit | undefined;
    player.restore(start);
    const stop = await player.advance(end, {
      idle: 'jump',
      collect: hit => {
        best = later(best, hit);
      },
    });
    if (stop.kind === 'interrupted') return 'interrupted';
    if (best !== undefined) return { hit: best, icount: shownAt(best) };
    end = start.icount;
  }
  return 'none';
}
