/** Conditions, target-side dprintf and time breakpoints, as gdb uses them on real firmware. */

import { afterEach, describe, expect, it } from 'vitest';
import { hasGdb } from '../support/gdb.js';
import { bootFixture, fixture, Served, type Width } from '../support/sessions.js';
import { assemble, packetHex } from './agent-assembler.js';
import { CounterTarget } from './counter-target.js';
import { connect, hex } from './wire.js';

describe('on the wire', () => {
  const condition = packetHex(assemble('reg 5; const8 3; equal; end'));

  it.each([
    `Z0,80000000,2;${condition}`,
    `Z0,80000000,2;${condition}${condition}`,
    `Z1,80000000,2;${condition};cmds:1,X1,27`,
    `Z0,80000000,2;cmds:0,${packetHex(assemble('end'))}`,
    `Z2,80001000,4;${condition}`,
  ])('%s is taken', async packet => {
    const wire = await connect(new CounterTarget());
    expect(await wire.ask(packet)).toBe('OK');
  });

  it.each([
    'Z0,80000000,2;X2,27',
    'Z0,80000000,2;X1,2',
    'Z0,80000000,2;Y1,27',
    'Z0,80000000,2;cmds:',
    'Z0,80000000,2;X,27',
    'Z0,80000000,2;Xffffffffffffffff,27',
  ])('%s is malformed', async packet => {
    const target = new CounterTarget();
    const wire = await connect(target, 'xmlRegisters=riscv');
    expect(await wire.ask(packet)).toBe('E16');
    expect(target.breakpoints.size).toBe(0);
  });

  it('an expression that makes no sense is refused with its fault', async () => {
    const target = new CounterTarget();
    const wire = await connect(target, 'xmlRegisters=riscv');
    expect(await wire.ask(`Z0,80000000,2;${packetHex(assemble('add; end'))}`)).toBe(
      'E.agent expression, byte 0: add needs 2 values, the stack has 0',
    );
    expect(await wire.ask('Z2,80001000,4;cmds:1,X1,27')).toBe('E.a watchpoint has no commands at the target');
    expect(target.breakpoints.size + target.watchpoints.size).toBe(0);
  });

  it('icount is not written, but gdb is told how to move', async () => {
    const wire = await connect(new CounterTarget(), 'xmlRegisters=riscv');
    expect(await wire.ask('P1000=0500000000000000')).toBe(
      'E.icount cannot be written: "monitor goto N" or "starti N" goes to another moment',
    );
  });

  it('monitor replay_break wants an icount ahead', async () => {
    const target = new CounterTarget();
    await target.seek(10);
    const wire = await connect(target);
    wire.send(`qRcmd,${hex('replay_break 20')}`);
    expect(await wire.next()).toMatch(/^O/);
    expect(await wire.next()).toBe('OK');
    expect(target.stopAt).toBe(20);
    expect(await wire.monitor('replay_break 10')).toBe('replay_break: icount 10 is not ahead\n');
    expect(await wire.monitor('replay_break start')).toBe('replay_break: "start" is no icount\n');
    expect(await wire.monitor('replay_break')).toContain('usage: replay_break ICOUNT');
    await wire.monitor('replay_delete_break');
    expect(target.stopAt).toBeUndefined();
    expect(await wire.monitor('set step-over-interrupts maybe')).toContain('"maybe" is neither on nor off');
    await wire.monitor('set step-over-interrupts on');
    expect(target.stepOverInterrupts).toBe(true);
  });
});

describe.skipIf(!hasGdb).each<Width>(['rv32', 'rv64'])('gdb on %s firmware', width => {
  const path = fixture(width, 'ticks');
  let served: Served;

  const start = async () => {
    served = await Served.start(bootFixture(path, { snapshotIntervalSteps: 500_000 }), path);
    return served.gdb();
  };

  afterEach(() => served[Symbol.asyncDispose]());

  it('stops where a condition holds, forwards and backwards, and nowhere else', async () => {
    const gdb = await start();
    await gdb.command('set debug remote 1');
    await gdb.command('break on_tick if ticks % 10 == 3 && ticks < 40');
    const seen: string[] = [];
    const go = async (command: string) => {
      const output = await gdb.command(command);
      // Conditions are the target's work: gdb hears of each stop once.
      expect(output.match(/Packet received: T05/g)).toHaveLength(
        command === 'continue' && seen.length > 0 ? 2 : 1,
      );
      seen.push(/= (\d+)$/m.exec(await gdb.command('print ticks'))![1]!);
    };
    for (const command of ['continue', 'continue', 'continue', 'continue']) await go(command);
    expect(seen).toEqual(['3', '13', '23', '33']);
    for (let i = 0; i < 3; i++) await go('reverse-continue');
    expect(seen.slice(4)).toEqual(['23', '13', '3']);
    expect(await gdb.command('reverse-continue')).toContain('No more reverse-execution history.');
    expect(await gdb.command('continue')).toContain('Breakpoint 1, on_tick');
  });

  it('finds the one hit of tens of thousands that its condition wants', async () => {
    const gdb = await start();
    await gdb.command('break board_exit');
    await gdb.command('monitor replay_break 3000000');
    const reached = await gdb.command('continue');
    expect(reached).toContain('Reached icount 3000000.');
    expect(await gdb.command('monitor icount')).toContain('3000000');
    await gdb.command('break work if work_done == 12345');
    expect(await gdb.command('reverse-continue')).toContain('Breakpoint 2, work');
    expect(await gdb.command('print work_done')).toContain('= 12345');
    expect(await gdb.command('reverse-continue')).toContain('No more reverse-execution history.');
    expect(await gdb.command('continue')).toContain('Breakpoint 2, work');
  });

  it('prints dprintfs at the target while running forwards, and is silent backwards', async () => {
    const gdb = await start();
    await gdb.command('set dprintf-style agent');
    await gdb.command('dprintf on_tick,"tick %u of %lx\\n", ticks, (long)0x1234abcd');
    await gdb.command('tbreak work if ticks == 5');
    const forwards = await gdb.command('continue');
    expect(forwards.match(/^tick \d of 1234abcd$/gm)).toEqual(
      [0, 1, 2, 3, 4].map(tick => `tick ${tick} of 1234abcd`),
    );
    const backwards = await gdb.command('reverse-continue');
    expect(backwards).toContain('No more reverse-execution history.');
    expect(backwards).not.toContain('tick ');
  });

  it('stops at those accesses to a watched variable that a condition of monitor picks', async () => {
    const gdb = await start();
    await gdb.command('watch ticks');
    expect(await gdb.command('monitor watch-condition ticks ticks % 20 == 19 && ticks < 60')).toMatch(
      /count only if ticks % 20 == 19 && ticks < 60/,
    );
    for (const tick of [19, 39, 59]) {
      expect(await gdb.command('continue')).toMatch(new RegExp(`^New value = ${tick + 1}$`, 'm'));
    }
    for (const tick of [59, 39, 19]) {
      expect(await gdb.command('reverse-continue')).toMatch(new RegExp(`^New value = ${tick}$`, 'm'));
    }
    expect(await gdb.command('reverse-continue')).toContain('No more reverse-execution history.');
    expect(await gdb.command('monitor watch-condition')).toMatch(/0x[0-9a-f]+ if ticks % 20/);
    await gdb.command('monitor watch-condition ticks');
    expect(await gdb.command('continue')).toMatch(/^New value = 0$/m);
    expect(await gdb.command('monitor watch-condition ticks')).toContain('have no condition');
    expect(await gdb.command('monitor watch-condition ticks nothing == 1')).toContain(
      'there is no symbol nothing',
    );
    expect(await gdb.command('monitor watch-condition nothing 1')).toContain('there is no symbol nothing');
  });
});
