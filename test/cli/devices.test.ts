import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backstub, lastLine, scratchFolder } from './backstub.js';

const FIRMWARE = 'fixtures/rv64/devices.elf';

describe('devices on the command line', () => {
  test('are recorded, told by info, and replayed without a file or the host', async () => {
    const folder = scratchFolder();
    const file = (name: string) => join(folder, name);
    writeFileSync(file('disk.img'), new Uint8Array(65_536).fill(0x5a));
    const recorded = await backstub(
      ...['record', FIRMWARE, '-o', file('run.bst'), '--serial', 'null', '--cpu', 'rv64gc_zkr'],
      ...['--rng', '--entropy', 'host', '--virtio-console', `file:${file('hvc.txt')}`, '--rtc', 'host'],
      ...['--input', 'keyboard,tablet', '--sound', `wav:${file('out.wav')}`],
      ...['--disk', file('disk.img'), '--disk-async'],
    );
    expect(recorded).toMatchObject({ code: 0, stderr: '' });
    const output = readFileSync(file('hvc.txt'), 'utf8');
    expect(output).toMatch(/^(TICK\n){20,}$/);
    expect(readFileSync(file('out.wav')).subarray(0, 4).toString()).toBe('RIFF');
    expect(readFileSync(file('disk.img')).every(byte => byte === 0x5a)).toBe(true);
    for (const name of ['disk.img', 'out.wav', 'hvc.txt']) rmSync(file(name));

    expect((await backstub('verify', file('run.bst'))).code).toBe(0);
    expect(existsSync(file('out.wav'))).toBe(false);
    const info = await backstub('info', file('run.bst'));
    expect(info.stdout).toMatch(
      /devices +disk0 of 64 KiB at host speed, rng, virtio console, keyboard, tablet, sound \(playback\)/,
    );
    expect(info.stdout).toMatch(/entropy +host/);
    expect(info.stdout).toMatch(/events .*entropy.*391 block/);
  });

  test.each([
    [['--input', 'keyboard,trackball'], 'Allowed: keyboard, mouse, tablet'],
    [['--entropy', 'dice'], 'seed=N is needed'],
    [['--sound', 'loud'], 'Allowed: null or wav:FILE'],
    [['--virtio-console', 'nowhere'], 'Allowed: stdio, null, file:PATH, pty, tcp:HOST:PORT, unix:PATH'],
    [
      ['--serial', 'stdio', '--virtio-console', 'stdio'],
      '--serial and --virtio-console cannot both be stdio',
    ],
    [['--sound', 'null,in=/nowhere/in.wav'], 'cannot read sound /nowhere/in.wav'],
    [['--sound', 'wav:/nowhere/out.wav'], 'cannot create sound /nowhere/out.wav'],
    [['--sound', `null,in=${FIRMWARE}`], 'is not a WAV file'],
    [['--input', Array(9).fill('mouse').join()], 'a list of at most 8'],
    [['--rng', '--input', Array(8).fill('mouse').join()], '9 virtio devices are wanted'],
  ])('%j is refused in one line', async (args, message) => {
    const ended = await backstub('run', FIRMWARE, ...args);
    expect(ended.code).toBe(2);
    expect(lastLine(ended.stderr)).toContain(message);
  });
});
