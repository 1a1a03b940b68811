import { createSocket, type RemoteInfo } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openUserNetwork } from '../../src/host/network/user-network.js';
import { crc32 } from '../../src/replay/checksum.js';
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

const FILE = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31 + (i >> 7)) & 0xff);
const TFTP_PORT = 69;
const TFTP = { data: 3, acknowledgment: 4, options: 6 } as const;

/** A TFTP server (RFC 1350, with the block size of RFC 2348) that has one file; false when its port cannot be had. */
async function serveFile(): Promise<boolean> {
  const server = createSocket('udp4');
  onTestFinished(() => void server.close());
  server.on('message', (request, from) => sendFile(request, from));
  return new Promise(resolve => {
    server.once('error', () => resolve(false));
    server.bind(TFTP_PORT, '127.0.0.1', () => resolve(true));
  });
}

function sendFile(request: Buffer, { port, address }: RemoteInfo): void {
  const words = request.toString('latin1').split('\0');
  const size = Number(words[words.indexOf('blksize') + 1]);
  const transfer = createSocket('udp4');
  onTestFinished(() => void transfer.close());
  transfer.on('message', answer => {
    const done = answer.readUInt16BE(2);
    if (answer.readUInt16BE(0) !== TFTP.acknowledgment || done * size > FILE.length) return;
    const head = Uint8Array.of(0, TFTP.data, (done + 1) >> 8, (done + 1) & 0xff);
    transfer.send(Buffer.concat([head, FILE.subarray(done * size, (done + 1) * size)]), port, address);
  });
  const options = Buffer.from(`\0${String.fromCharCode(TFTP.options)}blksize\0${size}\0`, 'latin1');
  transfer.bind(0, '127.0.0.1', () => transfer.send(options, port, address));
}

describe.skipIf(firmwareMissing !== undefined)(
  `U-Boot's own drivers (${firmwareMissing ?? 'Debian'})`,
  () => {
    test.each(['legacy', 'modern'] as const)(
      'disk and network, virtio %s, with all other devices there: recorded, and replayed without',
      async virtio => {
        const hasServer = await serveFile();
        const network = await openUserNetwork([]);
        onTestFinished(() => network.close());
        const bytes = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 13 + (i >> 9)) & 0xff);
        const live = bootGuest(U_BOOT.supervisor, OPENSBI.dynamic, {
          network,
          disks: [{ name: 'disk', sectors: bytes.length / 512, extents: [{ offset: 0, bytes }] }],
          config: {
            network: true,
            virtio,
            rng: true,
            virtioConsole: true,
            inputs: ['keyboard', 'mouse', 'tablet'],
            sound: 'playback',
          },
        });
        const file = new MemoryFile();
        live.session.record(file);
        const commands = script(
          'virtio scan',
          'virtio info',
          'virtio read 84000000 10 40',
          'crc32 84000000 8000',
          'virtio write 84000000 200 40',
          'virtio read 85000000 200 40',
          'cmp.b 84000000 85000000 8000',
          'setenv autoload no',
          'dhcp',
          'ping 10.0.2.2',
          ...(hasServer
            ? ['tftpboot 86000000 10.0.2.2:file', `crc32 86000000 ${FILE.length.toString(16)}`]
            : []),
          'poweroff',
        );
        for (const [prompt, reply] of commands) live.console.answer(prompt, reply);
        const end = await live.session.runToEnd({ maxIcount: 2 * MOST_STEPS, timeoutMs: 50_000 });
        live.session.close();
        network.close();
        expect(end, live.console.text).toEqual({ kind: 'power-off', code: 0 });
        const { text } = live.console;
        expect(text).toContain('Capacity: 1.0 MB = 0.0 GB (2048 x 512)');
        expect(text).toContain(`${crcLine('84000000', bytes.subarray(0x10 * 512, 0x50 * 512))}`);
        expect(text).toContain('64 blocks written: OK');
        expect(text).toContain('Total of 32768 byte(s) were the same');
        expect(text).toContain('DHCP client bound to address 10.0.2.15');
        expect(text).toContain('host 10.0.2.2 is alive');
        if (hasServer) expect(text).toContain(crcLine('86000000', FILE));
        const verified = await replay(file.read()).session.verify();
        expect(verified.end).toMatchObject({ kind: 'power-off', code: 0 });
      },
    );
  },
);

/** As U-Boot prints it. */
function crcLine(address: string, bytes: Uint8Array): string {
  const last = (Number.parseInt(address, 16) + bytes.length - 1).toString(16);
  return `crc32 for ${address} ... ${last} ==> ${crc32(bytes).toString(16).padStart(8, '0')}`;
}
