/** What tests of replay share: moments of a recording, the machine there, and a debugger that meddles. */
import type { Random } from '../lockstep/random.js';
import { digestsOf, type Live } from '../support/sessions.js';
import type { Subject } from './subject.js';

export type Digests = Readonly<Record<string, string>>;

/** Digests at moments of a recording, by one run from beginning to end. */
export async function straightRun(live: Live, moments: readonly number[]): Promise<Map<number, Digests>> {
  const digests = new Map<number, Digests>();
  for (const moment of moments.toSorted((a, b) => a - b)) {
    await live.session.seek(moment);
    digests.set(moment, digestsOf(live.session));
  }
  return digests;
}

/** `count` moments from `begin` to `end`, both ends among them. */
export const someMoments = (random: Random, end: number, count: number, begin = 0): number[] => [
  begin,
  end,
  ...Array.from({ length: count }, () => begin + random.below(end - begin + 1)),
];

/** A debugger that does this and that at the live end, and types. */
export async function disturb(
  live: Live,
  random: Random,
  { registers, registerBytes, scratch }: Subject,
): Promise<void> {
  const { session, console } = live;
  const harts = session.harts().length;
  for (let i = 0; i < 12; i++) {
    const steps = random.below(60);
    for (let step = 0; step < steps; step++) {
      await session.resume({ kind: 'step', direction: 'forward', hart: undefined });
    }
    const hart = random.below(harts);
    switch (random.below(6)) {
      case 0:
        console.type(random.bytes(1 + random.below(40)));
        break;
      case 1:
        session.writeRegister(hart, random.pick([...registers]), random.bytes(registerBytes(live)));
        break;
      case 2:
        session.writeMemory(hart, BigInt(scratch + random.below(0x2000)), random.bytes(1 + random.below(9)));
        break;
      case 3:
        if (random.chance(20)) session.reset();
        break;
      case 4:
        await session.resume({ kind: 'step', direction: 'backward', hart: undefined });
        await session.seek('end');
        break;
      default:
        session.saveSnapshot(`moment ${i}`);
        break;
    }
  }
}
