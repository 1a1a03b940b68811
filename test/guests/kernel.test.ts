/**
 * The fixture `kernel`: page tables, processes and a disk on several harts, as teaching kernels have them. Its console
 * does not depend on the interleaving, so it is the same on QEMU, whatever the number of harts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type GdbSession, hasGdb } from '../support/gdb.js';
import { qemuAvailable, runOnQemu } from '../support/qemu.js';
import { bootFixture, lastHex, MemoryFile, replay, Served } from '../support/sessions.js';

const ELF = 'fixtures/rv64/kernel.elf';
const SECTORS = 64;
const MOST_STEPS = 50_000_000;
const noQemu = qemuAvailable();

/** Sector 0 is what every process reads at its end. */
const DISK = Uint8Array.from({ length: SECTORS * 512 }, (_, i) => (i * 7) ^ (i >> 9));
const disks = [{ name: 'disk', sectors: SECTORS, extents: [{ offset: 0, bytes: DISK }] }];

async function record(harts: number, virtio: 'legacy' | 'modern' = 'legacy') {
  const live = bootFixture(ELF, { config: { harts, virtio, ramBytes: 4 << 20 }, disks });
  const file = new MemoryFile();
  live.session.record(file);
  const end = await live.session.runToEnd({ maxIcount: MOST_STEPS });
  live.session.close();
  expect(end).toEqual({ kind: 'power-off', code: 0 });
  return { text: live.console.text, recording: file.read() };
}

describe('processes, pages and a disk', () => {
  const expected = record(1).then(({ text }) => text);

  test.each([1, 3, 8])('%i harts print the same; the recording verifies', async harts => {
    const { text, recording } = await record(harts);
    expect(text).toBe(await expected);
    expect(text).toContain('guarded 148500, counted 9000');
    const verified = await replay(recording).session.verify();
    expect(verified.icount).toBe(recording.end.icount);
    expect(verified.checkpoints).toBeGreaterThan(0);
  });

  test('the modern interface of the disk makes no difference', async () => {
    expect((await record(3, 'modern')).text).toBe(await expected);
  });

  test.skipIf(noQemu).each([1, 3])(
    `%i harts on QEMU print the same${noQemu === undefined ? '' : ` (skipped: ${noQemu})`}`,
    async harts => {
      const folder = mkdtempSync(join(tmpdir(), 'backstub-kernel-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const path = join(folder, 'disk.img');
      writeFileSync(path, DISK);
      const drive = `file=${path},format=raw,if=none,id=disk`;
      const args = ['-smp', `${harts}`, '-drive', drive, '-device', 'virtio-blk-device,drive=disk'];
      const guest = await runOnQemu({ xlen: 64, kernel: ELF, input: '', args });
      expect(guest.console).toBe(await expected);
      expect(guest.code).toBe(0);
    },
  );
});

const value = async (gdb: GdbSession, expression: string) =>
  lastHex(await gdb.command(`print/x ${expression}`));
const icount = (gdb: GdbSession) => value(gdb, '$icount');

describe.skipIf(!hasGdb)(`gdb and three harts${hasGdb ? '' : ' (skipped: no gdb-multiarch)'}`, () => {
  test('back through a page fault, a system call and a switch of processes', async () => {
    const { recording } = await record(3);
    await using served = await Served.start(replay(recording), ELF);
    await using gdb = await served.gdb();

    // A page that is touched first: the fault, and the instruction before it.
    await gdb.command('tbreak touch');
    expect(await gdb.command('continue')).toContain('touch (');
    expect(await value(gdb, '$scause')).toBe(15);
    const user = await value(gdb, '$sepc');
    await gdb.command('tbreak trap_entry');
    await gdb.command('reverse-continue');
    expect(await value(gdb, '$pc')).toBe(await value(gdb, '(long)trap_entry'));
    expect(await value(gdb, '$priv')).toBe(1);
    const entered = await icount(gdb);
    await gdb.command('reverse-stepi');
    expect(await value(gdb, '$priv')).toBe(0);
    expect(await value(gdb, '$pc')).toBe(user);
    expect(await icount(gdb)).toBeLessThan(entered);
    await gdb.command('stepi');
    expect(await icount(gdb)).toBe(entered);

    // From one process's thread into the scheduler's, and back.
    await gdb.command('tbreak switch_context if $a0 < (long)schedulers || $a0 >= (long)(schedulers + 8)');
    expect(await gdb.command('continue')).toContain('switch_context ()');
    const [stack, tables, switching] = [
      await value(gdb, '$sp'),
      await value(gdb, '$satp'),
      await icount(gdb),
    ];
    await gdb.command('tbreak use_space');
    expect(await gdb.command('continue')).toContain('use_space (');
    expect(await gdb.command('backtrace')).toMatch(/#1 .*schedule \(\)/);
    expect(await value(gdb, '$sp')).not.toBe(stack);
    await gdb.command('tbreak *switch_context');
    await gdb.command('reverse-continue');
    expect(await icount(gdb)).toBe(switching);
    expect(await value(gdb, '$sp')).toBe(stack);
    expect(await value(gdb, '$satp')).toBe(tables);
    expect(await gdb.command('backtrace 2')).toMatch(/#1 .*(switch_to_scheduler|give_way)/);
  }, 60_000);
});
