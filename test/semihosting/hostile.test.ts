/** Guests that mean harm: any call with any registers and any block. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SEMIHOSTING_CALLS } from '../../src/semihosting/calls.js';
import * as asm from '../lockstep/encode.js';
import { Random } from '../lockstep/random.js';
import { digestsOf, MemoryFile, replay } from '../support/sessions.js';
import { guestFolder } from './caller.js';
import { A0, A1, bootImage, CALL, DATA, image, START } from './programs.js';

const ROUNDS = process.env.BACKSTUB_FULL === undefined ? 120 : 10_000;
const RAM_END = 0x8040_0000n;
const NAMES = [
  '../x',
  '/etc/passwd',
  'a',
  'b',
  ':tt',
  ':semihosting-features',
  'd/../../x',
  '\0',
  'a'.repeat(300),
];
const CALLS = [...SEMIHOSTING_CALLS.map(({ number }) => number), 0x17, 0x19, 0x200, 0xffff_ffff];

/** Numbers that are wrong somewhere. */
function number(random: Random): bigint {
  const nearby = BigInt(random.below(64));
  const picked = random.pick([
    ...[0n, nearby, BigInt(DATA) + nearby, BigInt(DATA + 0x100), RAM_END - nearby, BigInt(START)],
    ...[0x1000_0000n, 0x1000n, -1n, -nearby, 1n << 31n, 1n << 32n, 1n << 53n, 1n << 63n, (1n << 63n) - 1n],
  ]);
  return BigInt.asUintN(64, picked);
}

const bytesOf = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);

test.each([1, 2, 3])(
  'seed %i: the machine goes on, its folder is all it reaches, and it replays',
  async seed => {
    const random = new Random(seed);
    const { path, folder } = guestFolder();
    const loop = [...CALL, asm.jal(0, -12)];
    const live = bootImage(image([[START, loop]]), {
      semihosting: folder,
      config: { semihosting: 'files', harts: 1 + random.below(3), args: 'some' },
    });
    const file = new MemoryFile();
    const { session } = live;
    session.record(file);
    const step = () => session.resume({ kind: 'step', direction: 'forward', hart: 0 });
    for (let round = 0; round < ROUNDS && !session.machine.poweredOff; round++) {
      live.console.type('typed');
      // An exit is the end of it: seldom.
      const operation = random.pick(
        CALLS.filter(call => random.below(300) === 0 || ![0x18, 0x20].includes(call)),
      );
      const block = [0, 1, 2, 3].flatMap(() => [...bytesOf(number(random))]);
      session.writeMemory(0, BigInt(DATA), Uint8Array.from(block));
      session.writeMemory(0, BigInt(DATA + 0x100), new TextEncoder().encode(`${random.pick(NAMES)}\0`));
      session.writeRegister(0, A0, bytesOf(BigInt(operation)));
      session.writeRegister(0, A1, bytesOf(random.below(2) === 0 ? BigInt(DATA) : number(random)));
      for (let i = 0; i < 4; i++) await step();
    }
    const expected = digestsOf(session);
    session.close();
    const { session: other } = replay(file.read());
    await other.verify();
    expect(digestsOf(other)).toEqual(expected);
    for (const name of readdirSync(path)) expect(statSync(join(path, name)).isFile()).toBe(true);
    expect(readdirSync(path).every(name => ['a', 'b'].includes(name))).toBe(true);
    expect(existsSync(join(path, '../x'))).toBe(false);
  },
);

test.each([0, 3, 0x20, 99])(
  'a state in which a hart waits in call %i, which asks nothing, is left by an error',
  async made => {
    const live = bootImage(image([[START, [...CALL, asm.jal(0, -12)]]]), {
      config: { semihosting: 'files' },
    });
    const { session } = live;
    const { memory, plan } = session.machine;
    const at = (component: string, field: string) => {
      const found = plan.components.find(({ name }) => name === component);
      const placed = found?.layout.fields.find(({ name }) => name === field);
      return memory.plan.state + (found?.offset ?? 0) + (placed?.offset ?? 0);
    };
    memory.u8[at('semihosting', 'waits')] = 1;
    memory.u8[at('semihosting', 'calls')] = made;
    memory.u8[at('hart0', 'waiting')] = 2;
    expect(session.harts()[0].text).toContain('waiting for the end of its call');
    await session.resume({ kind: 'step', direction: 'forward', hart: 0 });
    expect(session.harts()[0].text).toBe('CPU#0 machine mode');
    expect(session.status().icount).toBe(1);
  },
);
