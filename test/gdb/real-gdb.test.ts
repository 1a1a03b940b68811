import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GdbServer } from '../../src/gdb/server.js';
import { GdbSession, hasGdb, runGdb } from '../support/gdb.js';
import { type CounterOptions, CounterTarget } from './counter-target.js';

describe.skipIf(!hasGdb)('gdb-multiarch', () => {
  let target: CounterTarget;
  let server: GdbServer;

  async function serve(options: CounterOptions): Promise<void> {
    await server?.close();
    target = new CounterTarget(options);
    server = await GdbServer.start(target, { port: 0 });
  }

  const batch = (...commands: string[]) => runGdb({ port: server.port, commands });
  const session = () => GdbSession.start({ port: server.port });

  beforeEach(() => serve({ end: 1000, harts: 2 }));
  afterEach(() => server.close());

  it('accepts target.xml and reads every register it names', async () => {
    const { stdout } = await batch(
      'maintenance print architecture',
      'info registers pc t1 icount satp',
      'info threads',
      'info mem',
    );
    expect(stdout).toContain('bfd_arch_info = riscv:rv64');
    expect(stdout).toMatch(/^pc +0x80000000\t0x80000000$/m);
    expect(stdout).toMatch(/^t1 +0x80001000\t2147487744$/m);
    expect(stdout).toMatch(/^icount +0x0\t0$/m);
    expect(stdout).toMatch(/^satp +<unavailable>$/m);
    expect(stdout).toMatch(/Thread 2 \(CPU#1 machine mode <test>\)/);
    expect(stdout).toContain('0x0000000080000000 0x0000000080002000 rw');
    expect(stdout).not.toMatch(/warning: (?!No executable)|error|Remote failure/i);
  });

  it('steps forwards with vCont;s and backwards with bs', async () => {
    const { stdout } = await batch(
      'set debug remote 1',
      'stepi',
      'stepi',
      'reverse-stepi',
      'set debug remote 0',
      'info registers pc icount',
    );
    expect(stdout).toContain('Sending packet: $vCont;s:1');
    expect(stdout).toContain('Sending packet: $bs#');
    expect(stdout).not.toContain('Sending packet: $Z0');
    expect(stdout).toMatch(/^icount +0x1\t1$/m);
    expect(target.calls.at(-1)).toBe('detach');
  });

  it('works without target.xml: software steps of a GNU/Linux gdb', async () => {
    await serve({ end: 1000 });
    const { stdout } = await runGdb({
      commands: [
        'set remote target-features-packet off',
        'set architecture riscv:rv64',
        'set osabi GNU/Linux',
        `target remote 127.0.0.1:${server.port}`,
        'stepi',
        'stepi',
        'reverse-stepi',
        'info registers pc',
      ],
    });
    expect(stdout).toMatch(/^pc +0x80000004\t0x80000004$/m);
    expect(target.calls).toContain('insert 80000004');
  });

  it('breaks forwards and backwards, and reaches both ends of the history', async () => {
    await serve({ end: 9, powerOff: { code: 5 } });
    await using gdb = await session();
    await gdb.command('break *0x80000008');
    expect(await gdb.command('continue')).toMatch(/Breakpoint 1, 0x0*80000008/);
    expect(await gdb.command('continue')).toMatch(/Breakpoint 1, 0x0*80000008/);
    expect(target.icount).toBe(6);
    expect(await gdb.command('reverse-continue')).toMatch(/Breakpoint 1, 0x0*80000008/);
    expect(target.icount).toBe(2);
    expect(await gdb.command('reverse-continue')).toContain('No more reverse-execution history.');
    expect(target.icount).toBe(0);
    await gdb.command('delete');
    const end = await gdb.command('continue');
    expect(end).toContain('The guest powered off with code 5.');
    expect(end).toContain('No more reverse-execution history.');
    await gdb.command('reverse-stepi');
    expect(target.icount).toBe(8);
  });

  it('shows old and new value of a watchpoint in both directions', async () => {
    await serve({ end: 1000 });
    await using gdb = await session();
    await gdb.command('watch *(int*)0x80001000');
    expect(await gdb.command('continue')).toMatch(/Old value = 0\nNew value = 1\n0x0*80000008/);
    expect(await gdb.command('continue')).toMatch(/Old value = 1\nNew value = 2\n0x0*80000008/);
    expect(await gdb.command('reverse-continue')).toMatch(/Old value = 2\nNew value = 1\n0x0*80000004/);
    expect(await gdb.command('reverse-continue')).toMatch(/Old value = 1\nNew value = 0\n0x0*80000004/);
    expect(await gdb.command('reverse-continue')).toContain('No more reverse-execution history.');
  });

  it('interrupts a machine that runs on, and one that runs back', async () => {
    await serve({ stalls: true });
    await using gdb = await session();
    const interrupted = async (command: string) => {
      const output = gdb.command(command);
      const before = target.icount;
      while (target.icount === before) await new Promise(resolve => setImmediate(resolve));
      gdb.interrupt();
      return output;
    };
    expect(await interrupted('continue')).toContain('Program received signal SIGINT');
    await gdb.command('monitor goto end');
    await gdb.command('maintenance flush register-cache');
    expect(await interrupted('reverse-continue')).toContain('Program received signal SIGINT');
    expect(target.icount).toBeGreaterThan(0);
    expect(await gdb.command('info registers icount')).toContain(`\t${target.icount}`);
  });

  it('moves with monitor and with run', async () => {
    await using gdb = await GdbSession.start({ port: server.port, target: 'extended-remote' });
    expect(await gdb.command('monitor goto 6')).toContain('at icount 6\n');
    await gdb.command('maintenance flush register-cache');
    expect(await gdb.command('info registers icount')).toContain('\t6\n');
    expect(await gdb.command('monitor nonsense')).toBe(
      'unknown monitor command "nonsense"; "monitor help" lists all\n',
    );
    await gdb.command('set remote exec-file firmware');
    await gdb.command('starti');
    expect(target.icount).toBe(0);
  });

  it('shows why a write was refused', async () => {
    const { stdout } = await batch('stepi', 'set $t0 = 5', 'set *(char*)0x40 = 1');
    expect(stdout).toContain("remote failure reply 'E.the past cannot be changed'");
    expect(stdout).toContain('Cannot access memory at address 0x40');
  });

  it('compares and finds memory, and loads binary data', async () => {
    const { stdout } = await batch(
      'set {char[4]}0x80001100 = "#$}"',
      'find /b 0x80001000, +0x1000, 0x23, 0x24, 0x7d',
      'x/4xb 0x80001100',
    );
    expect(stdout).toMatch(/0x80001100\s+1 pattern found/);
    expect(stdout).toMatch(/0x80001100:\t0x23\t0x24\t0x7d\t0x00/);
  });

  it('serves an editor: mi-async, pause, back buttons, all registers at once', async () => {
    await serve({ stalls: true });
    await using gdb = await GdbSession.start({ async: true });
    expect(await gdb.mi(`-target-select remote 127.0.0.1:${server.port}`)).toContain('*stopped,');
    const continued = gdb.mi('-exec-continue');
    while (target.icount === 0) await new Promise(resolve => setImmediate(resolve));
    gdb.interrupt();
    expect(await continued).toContain('*stopped,reason="signal-received",signal-name="SIGINT"');
    const { icount } = target;
    expect(await gdb.mi('-exec-step-instruction --reverse')).toContain('reason="end-stepping-range"');
    expect(target.icount).toBe(icount - 1);
    await gdb.mi('-break-insert *0x80000008');
    expect(await gdb.mi('-exec-continue --reverse')).toContain('*stopped,reason="breakpoint-hit"');
    await gdb.mi('-break-delete');
    expect(await gdb.mi('-exec-continue --reverse')).toMatch(/^\*stopped,frame=/m);
    expect(target.icount).toBe(0);
    const values = await gdb.mi('-data-list-register-values x');
    expect(values).toContain('{number="32",value="0x80000000"}');
    expect(await gdb.mi('-thread-info')).toContain('details="CPU#0 machine mode <test>"');
    expect(await gdb.mi('-list-target-features')).toContain('"reverse"');
  });

  it.each([
    ['detach', 'detach'],
    ['disconnect', 'disconnect'],
    ['kill', 'kill'],
  ])('serves the next session at the same moment after %s', async (_, farewell) => {
    const first = await batch('stepi', 'stepi', 'break *0x80000000', farewell);
    expect(first.stdout).not.toContain('internal-error');
    expect(target.icount).toBe(2);
    const { stdout } = await batch('info registers icount');
    expect(stdout).toMatch(/^icount +0x2\t2$/m);
    expect(target.breakpoints.size).toBe(0);
  });

  it('serves the next session after gdb was killed while the machine ran', async () => {
    await serve({ stalls: true });
    const gdb = await session();
    const running = gdb.command('continue').catch((error: Error) => error.message);
    while (target.icount === 0) await new Promise(resolve => setImmediate(resolve));
    await gdb.kill();
    expect(await running).toContain('gdb ended');
    const { stdout } = await batch('info registers icount');
    expect(stdout).toMatch(/^icount +0x/m);
  });
});
