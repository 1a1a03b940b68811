/**
 * The worked example of CONTRIBUTING.md: a device that is a class and a row is a part of everything a machine can do.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { virtDevices } from '../../src/boards/virt/virt-devices.js';
import { virtTree } from '../../src/boards/virt/virt-tree.js';
import * as asm from '../lockstep/encode.js';
import { bootBytes, digestsOf, MemoryFile, REPOSITORY, replay } from '../support/sessions.js';
import { buildWith } from '../support/virt.js';
import { countdown } from './countdown.js';

const { addi } = asm.IMMEDIATE_OPS;
const build = buildWith(countdown());
const START = 0x8000_0000;
const [T0, T1, T2, S0, S1, A0] = [5, 6, 7, 8, 9, 10];
const [MSTATUS, MIE, MTVEC] = [0x300, 0x304, 0x305];
const PLIC = 0xc000;
const BANG = 33;
const MICROSECONDS = 100;

/** Each time the countdown is over: `!` is printed, and another one begins. */
const handler = [
  asm.lui(T0, PLIC + 0x200),
  asm.LOADS.lw(T2, T0, 4),
  asm.LOADS.lw(T1, S0, 0),
  asm.lui(T1, 0x1_0000),
  addi(A0, 0, BANG),
  asm.STORES.sb(A0, T1, 0),
  asm.STORES.sw(T2, T0, 4),
  addi(S1, S1, -1),
  addi(T1, 0, MICROSECONDS),
  asm.STORES.sw(T1, S0, 0),
  asm.MRET,
];

const beforeHandler = (handlerAt: number) => [
  ...asm.loadAddress(T0, handlerAt, START),
  asm.CSR_OPS.csrrw(0, MTVEC, T0),
  // Source 12: priority 1, enabled for machine mode of hart 0.
  asm.lui(T0, PLIC),
  addi(T1, 0, 1),
  asm.STORES.sw(T1, T0, 4 * 12),
  asm.lui(T0, PLIC + 2),
  asm.lui(T1, 1),
  asm.STORES.sw(T1, T0, 0),
  asm.lui(T1, 1),
  addi(T1, T1, -0x800),
  asm.CSR_OPS.csrrs(0, MIE, T1),
  asm.CSR_OPS_IMMEDIATE.csrrsi(0, MSTATUS, 8),
  asm.lui(S0, 0x3_0000),
  addi(S1, 0, 3),
  addi(T1, 0, MICROSECONDS),
  asm.STORES.sw(T1, S0, 0),
  asm.WFI,
  asm.BRANCHES.bne(S1, 0, -4),
  // Power off.
  asm.lui(T0, 0x100),
  asm.lui(T1, 5),
  addi(T1, T1, 0x555),
  asm.STORES.sw(T1, T0, 0),
  asm.jal(0, 0),
];
const HANDLER = START + 4 * beforeHandler(0).length;
const program = asm.assemble([...beforeHandler(HANDLER), ...handler]);

const start = (options: { readonly jit?: boolean } = {}) => {
  const live = bootBytes('countdown.bin', program, { build, snapshotIntervalSteps: 40, ...options });
  live.session.attach();
  return live;
};
const OFF = { kind: 'power-off', code: 0 };

describe('a device added by a class and a row', () => {
  test('is the one in CONTRIBUTING.md', () => {
    const withoutImports = (text: string) =>
      text
        .split('\n')
        .filter(line => !/^import |^\/\/ |^\/\*\* The device that CONTRIBUTING/.test(line))
        .join('\n')
        .trim();
    const blocks = readFileSync(join(REPOSITORY, 'CONTRIBUTING.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs);
    const example = [...blocks].map(([, code]) => withoutImports(code)).filter(code => /ountdown/.test(code));
    const carriedOut = readFileSync(join(import.meta.dirname, 'countdown.ts'), 'utf8');
    expect(example.join('\n\n')).toBe(withoutImports(carriedOut));
  });

  test('answers, counts and interrupts, compiled or not', async () => {
    const [a, b] = [start(), start({ jit: false })];
    for (const { session, console } of [a, b]) {
      expect(await session.runToEnd({})).toEqual(OFF);
      expect(console.text).toBe('!!!');
      expect(session.machine.virtualNs).toBeGreaterThan(3 * MICROSECONDS * 1000);
    }
    expect(digestsOf(a.session)).toEqual(digestsOf(b.session));
    expect(Object.keys(digestsOf(a.session))).toContain('countdown');
  });

  test('is known to the debugger and to the guest', () => {
    const { session } = start();
    expect(session.memoryMap()).toContainEqual(
      expect.objectContaining({ name: 'countdown', kind: 'mmio', start: 0x3000_0000n, length: 4n }),
    );
    const { config } = session.machine;
    const soc = virtTree(config, [...virtDevices(config), countdown()]).children.at(-1);
    const described = soc?.children.find(({ name }) => name === 'countdown@30000000');
    expect(described?.properties).toMatchObject({ interrupts: { cells: [12] } });
  });

  test('is recorded and replayed', async () => {
    const { session } = start();
    const file = new MemoryFile();
    session.record(file);
    expect(await session.runToEnd({})).toEqual(OFF);
    session.close();
    const again = replay(file.read(), { build });
    await again.session.verify();
    expect(again.console.text).toBe('!!!');
    expect(digestsOf(again.session)).toEqual(digestsOf(session));
    await expect(replay(file.read()).session.verify()).rejects.toThrow(/diverges/);
  });

  test('is in snapshots, and goes back with the machine', async () => {
    const { session } = start();
    const seen = new Map<number, Readonly<Record<string, string>>>();
    for (let maxIcount = 10; ; maxIcount += 7) {
      if ((await session.runToEnd({ maxIcount })).kind === 'power-off') break;
      seen.set(session.machine.icount, digestsOf(session));
    }
    expect(new Set([...seen.values()].map(digests => digests.countdown)).size).toBeGreaterThan(3);
    for (const [icount, digests] of [...seen].reverse()) {
      await session.seek(icount);
      expect(digestsOf(session), `icount ${icount}`).toEqual(digests);
    }
    await session.seek('end');
    session.insertBreakpoint(BigInt(HANDLER));
    for (let left = 3; left > 0; left--) {
      await session.resume({ kind: 'continue', direction: 'backward' });
      expect(session.machine.debug.registerValue(0, S1)).toBe(BigInt(left === 3 ? 1 : 4 - left));
    }
  });

  test('starts over with a reset, which disarms its timer', async () => {
    const { session, console } = start();
    const isArmed = () => session.machine.board.time.nextDeadline() < Number.POSITIVE_INFINITY;
    const step = () => session.runToEnd({ maxIcount: session.machine.icount + 1 });
    while (console.text === '' || !isArmed()) await step();
    session.reset('script');
    await step();
    expect(isArmed()).toBe(false);
    expect(await session.runToEnd({})).toEqual(OFF);
    expect(console.text).toBe('!!!!');
  });
});
