import { describe, expect, test } from 'vitest';
import { type GdbSession, hasGdb } from '../support/gdb.js';
import { bootGuest, firmwareMissing, linuxKernel, OPENSBI } from '../support/guests.js';
import { lastHex, MemoryFile, replay, Served } from '../support/sessions.js';

const kernel = linuxKernel('up');
const missing =
  firmwareMissing ??
  (hasGdb ? undefined : 'no gdb-multiarch') ??
  (kernel === undefined ? 'no kernel: npm run test:full builds it, or set BACKSTUB_LINUX' : undefined);
const MINUTES = 60_000;

const value = async (gdb: GdbSession, expression: string) =>
  lastHex(await gdb.command(`print/x ${expression}`));
const icount = (gdb: GdbSession) => value(gdb, '$icount');
const text = async (gdb: GdbSession, expression: string) =>
  /"([^"]*)"/.exec(await gdb.command(`print ${expression}`))?.[1];

/** A boot to power-off, recorded; then served to a gdb that has the kernel's symbols. */
async function serveBoot() {
  const live = bootGuest(kernel?.image ?? '', OPENSBI.dynamic, {
    config: { append: 'console=ttyS0 work=1' },
  });
  const file = new MemoryFile();
  live.session.record(file);
  await live.session.runToEnd({ maxIcount: 1e9 });
  live.session.close();
  return Served.start(replay(file.read()), '');
}

describe.skipIf(missing !== undefined)(`gdb and Linux (${missing ?? 'built'})`, () => {
  test('breakpoints in the kernel both ways; back through a system call and a context switch', {
    timeout: 4 * MINUTES,
  }, async () => {
    await using served = await serveBoot();
    await using gdb = await served.gdb({ elf: kernel?.vmlinux, timeoutMs: MINUTES });
    await gdb.command('break start_kernel');
    expect(await gdb.command('continue')).toContain('Breakpoint 1, start_kernel ()');
    const started = await icount(gdb);
    expect(await gdb.command('backtrace 2')).toContain('_start_kernel');

    // Out of a switch of tasks, and back into the task that went to sleep.
    await gdb.command('tbreak __switch_to');
    expect(await gdb.command('continue')).toContain('__switch_to ()');
    const switching = await icount(gdb);
    const before = await value(gdb, '$tp');
    expect(await value(gdb, '$a0')).toBe(before);
    const stack = await value(gdb, '$sp');
    await gdb.command('stepi 40');
    expect(await value(gdb, '$tp')).not.toBe(before);
    expect(await icount(gdb)).toBe(switching + 40);
    await gdb.command('reverse-stepi 40');
    expect(await value(gdb, '$tp')).toBe(before);
    expect(await value(gdb, '$sp')).toBe(stack);
    expect(await icount(gdb)).toBe(switching);
    await gdb.command('reverse-finish');
    expect(await gdb.command('backtrace')).toMatch(/#1 .*__schedule/);
    await gdb.command('reverse-step');
    expect(await gdb.command('backtrace')).toContain('__schedule');
    expect(await icount(gdb)).toBeLessThan(switching);

    // Into the kernel by a system call of user space, and back before it.
    await gdb.command('tbreak handle_exception if $scause == 8');
    expect(await gdb.command('continue')).toContain('handle_exception ()');
    const trapped = await icount(gdb);
    const user = await value(gdb, '$sepc');
    expect(await value(gdb, '$priv')).toBe(1);
    await gdb.command('reverse-stepi');
    expect(await icount(gdb)).toBe(trapped - 1);
    expect(await value(gdb, '$priv')).toBe(0);
    expect(await value(gdb, '$pc')).toBe(user);
    expect(await gdb.command('x/i $pc')).toContain('ecall');
    await gdb.command('stepi');
    expect(await icount(gdb)).toBe(trapped);
    expect(await value(gdb, '$priv')).toBe(1);

    // A watched variable, backwards to the line that wrote it.
    await gdb.command('tbreak kernel_power_off');
    expect(await gdb.command('continue')).toContain('kernel_power_off ()');
    expect(await text(gdb, '((struct task_struct *)$tp)->comm')).toBe('init');
    await gdb.command('watch -l system_state');
    await gdb.command('reverse-continue');
    const writer = await gdb.command('backtrace 1');
    expect(writer).toMatch(/kernel_shutdown_prepare|kernel_power_off|kernel_init/);
    await gdb.command('delete');
    await gdb.command('break start_kernel');
    expect(await gdb.command('reverse-continue')).toContain('start_kernel ()');
    expect(await icount(gdb)).toBe(started);
    expect(await gdb.command('continue')).toContain('No more reverse-execution history');
  });
});
