import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bootGuest, consoleOnQemu, firmwareMissing, hasQemu, OPENSBI, U_BOOT } from '../support/guests.js';
import { MemoryFile, replay } from '../support/sessions.js';

/** Far beyond the last command: U-Boot in M-mode cannot power off. */
const MOST_STEPS = 400_000_000;

/** Any key ends the countdown; then commands. */
const script = (...commands: string[]) =>
  [['autoboot', ' '], ...commands.map(command => ['\n=> ', `${command}\n`])] as const as readonly (readonly [
    string,
    string,
  ])[];

const SESSION = script(
  'version',
  'printenv bootdelay',
  'md.l 0x80200000 4',
  'crc32 0x80200000 0x1000',
  'mw.l 0x84000000 0x12345678 0x10',
  'md.l 0x84000000 8',
  'fdt print /soc/serial@10000000',
  'date',
  'poweroff',
);

describe.skipIf(firmwareMissing !== undefined)(`OpenSBI and U-Boot (${firmwareMissing ?? 'Debian'})`, () => {
  const run = async (bios: string | undefined, kernel: string, harts: number) => {
    const live = bootGuest(kernel, bios, { config: { harts } });
    const file = new MemoryFile();
    live.session.record(file);
    for (const [prompt, reply] of SESSION) live.console.answer(prompt, reply);
    const end = await live.session.runToEnd({ maxIcount: MOST_STEPS });
    live.session.close();
    return { end, text: live.console.text, recording: file.read() };
  };

  test.each([
    ['fw_dynamic', OPENSBI.dynamic, U_BOOT.supervisor, 1],
    ['fw_jump', OPENSBI.jump, U_BOOT.supervisor, 1],
    ['fw_dynamic, 4 harts', OPENSBI.dynamic, U_BOOT.supervisor, 4],
    ['U-Boot in M-mode', undefined, U_BOOT.machine, 1],
  ])('%s: to the prompt, commands, power-off; the recording verifies', async (_name, bios, kernel, harts) => {
    const { end, text, recording } = await run(bios, kernel, harts);
    expect(text).toContain('U-Boot 2');
    expect(text).toContain('CPU:   rv64imafdc_zicsr_zifencei_zba_zbb_zbs');
    expect(text).toContain('84000000: 12345678 12345678 12345678 12345678');
    if (bios !== undefined) {
      expect(text).toContain('compatible = "ns16550a"');
      expect(text).toContain(`Platform HART Count       : ${harts}`);
      expect(end).toEqual({ kind: 'power-off', code: 0 });
    }
    const verified = await replay(recording).session.verify();
    expect(verified.icount).toBe(recording.end.icount);
    expect(verified.checkpoints).toBeGreaterThan(1);
  });

  test.skipIf(!hasQemu)('the console shows what it shows on QEMU with the same device tree', async () => {
    const { text, recording } = await run(OPENSBI.dynamic, U_BOOT.supervisor, 1);
    const folder = mkdtempSync(join(tmpdir(), 'backstub-guests-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const tree = join(folder, 'virt.dtb');
    writeFileSync(tree, recording.header.images.find(image => image.name === 'device tree')?.bytes ?? '');
    const args = ['-bios', OPENSBI.dynamic, '-kernel', U_BOOT.supervisor, '-dtb', tree];
    const theirs = await consoleOnQemu(args, SESSION, 50_000);
    // The countdown redraws itself as time passes; the date is the host's.
    const stable = (output: string) =>
      output
        .replaceAll(/[\r\b]/g, '')
        .replace(/autoboot:[ 0-9]*/, 'autoboot:')
        .replace(/Date: .*\n/, 'Date:\n')
        .split('\n');
    expect(stable(text)).toEqual(stable(theirs));
  });
});
