import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { bootSession } from '../../src/assembly/session.js';
import { hostSeconds, systemClock } from '../../src/host/clock.js';
import { asyncDisks } from '../../src/host/disk/async-disks.js';
import { readDiskImage } from '../../src/host/disk/disk-file.js';
import { HostFiles } from '../../src/host/files/host-files.js';
import { openUserNetwork } from '../../src/host/network/user-network.js';
import { hostRandom } from '../../src/host/random.js';
import { openWavSound } from '../../src/host/sound/wav-backend.js';
import { wavHeader } from '../../src/host/sound/wav-format.js';
import { backstub } from '../cli/backstub.js';
import { Random } from '../lockstep/random.js';
import { exchange, tcpAnswer, udpEcho } from '../network/loopback.js';
import { firmwareMissing, linuxKernel, namedFile, OPENSBI } from '../support/guests.js';
import { digestsOf, MemoryFile, replay } from '../support/sessions.js';

const kernel = linuxKernel('devices');
const hasMke2fs = spawnSync('mke2fs', ['-V'], { stdio: 'ignore' }).status === 0;
const missing =
  firmwareMissing ??
  (kernel?.initrd === undefined ? 'no kernel with all drivers: npm run test:full builds it' : undefined) ??
  (hasMke2fs ? undefined : 'needs the Debian package e2fsprogs');
const folder = mkdtempSync(join(tmpdir(), 'backstub-linux-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ANSWER = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31 + (i >> 7)) & 0xff);
const SENT = Uint8Array.from({ length: 30_000 }, (_, i) => (i * 5) & 0xff);
const CAPTURED = Uint8Array.from({ length: 120_000 }, (_, i) => (i * 7919) >> 3);
const KEYS = ['a', 'shift-b', 'caps_lock', 'f12', 'ret'];
/** Processes of the guest that run again when it has put its drivers back. */
const TWICE = ['random', 'hvc0', 'playback', 'capture'];
const GUEST = 0x0a00_020f;
const SERVED = 7000;

/** FNV-1a as the guest's init has it. */
const fold = (bytes: Uint8Array) =>
  bytes
    .reduce((sum, byte) => Math.imul(sum ^ byte, 0x0100_0193) >>> 0, 0)
    .toString(16)
    .padStart(8, '0');

interface Round {
  readonly harts: number;
  readonly virtio: 'legacy' | 'modern';
  readonly diskAsync: boolean;
  readonly clock: 'virtual' | 'realtime';
  /** The host resets the machine there, when the devices are at work; what counts is said afterwards. */
  readonly resetAt?: number;
  /** The guest takes its drivers off their devices, puts them back, and uses the devices again. */
  readonly rebind?: boolean;
}

const ALL_ROUNDS: readonly Round[] = [
  { harts: 3, virtio: 'modern', diskAsync: false, clock: 'realtime' },
  { harts: 2, virtio: 'legacy', diskAsync: true, clock: 'virtual', rebind: true },
  { harts: 1, virtio: 'legacy', diskAsync: true, clock: 'realtime' },
  { harts: 2, virtio: 'modern', diskAsync: true, clock: 'realtime', resetAt: 60_000_000 },
];
const ROUNDS = process.env.BACKSTUB_FULL ? ALL_ROUNDS : ALL_ROUNDS.slice(0, 2);

/** Linux with all devices, and the host's part in what its init does; until the guest powers off. */
async function record({ harts, virtio, diskAsync, clock, resetAt, rebind }: Round) {
  const files = {
    disk: join(folder, 'disk.img'),
    captured: join(folder, 'in.wav'),
    played: join(folder, 'out.wav'),
  };
  rmSync(files.disk, { force: true });
  execFileSync('mke2fs', ['-q', '-F', files.disk, '4096']);
  writeFileSync(
    files.captured,
    Buffer.concat([wavHeader({ rate: 44_100, channels: 2 }, CAPTURED.length), CAPTURED]),
  );
  const [udp, tcp] = await Promise.all([udpEcho(), tcpAnswer(ANSWER)]);
  const forward = { protocol: 'tcp', host: '127.0.0.1', port: 0, guest: GUEST, guestPort: SERVED } as const;
  const network = await openUserNetwork([forward]);
  const sound = openWavSound({ input: files.captured, output: files.played }, new HostFiles(), () => {});
  onTestFinished(() => network.close());
  const console = new MemoryConsole();
  const virtioConsole = new MemoryConsole();
  const session = bootSession(
    namedFile(kernel?.image ?? ''),
    {
      clock,
      bios: namedFile(OPENSBI.dynamic),
      initrd: namedFile(kernel?.initrd ?? ''),
      disks: [readDiskImage(new HostFiles(), files.disk, basename(files.disk))],
      config: {
        harts,
        virtio,
        diskAsync,
        append: `console=ttyS0 ip=dhcp udp=${udp} tcp=${tcp} serve=${SERVED}${rebind ? ' rebind=1' : ''}`,
        rng: true,
        entropy: 'host',
        virtioConsole: true,
        inputs: ['keyboard', 'mouse', 'tablet'],
        sound: 'duplex',
        network: true,
        rtcSeconds: hostSeconds(),
      },
    },
    {
      console,
      virtioConsole,
      clock: systemClock,
      random: hostRandom,
      sound,
      network,
      blocks: asyncDisks([files.disk]),
    },
  );
  const file = new MemoryFile();
  session.record(file);
  const echoed: Promise<Buffer>[] = [];
  const useInput = (typed: string) => {
    for (const key of KEYS) session.input.sendKey(key);
    for (let i = 0; i < 10; i++) session.input.moveMouse(i, -i, 1);
    session.input.moveTablet(1234, 30_000);
    session.input.setButtons(1);
    session.input.setButtons(0);
    session.typeConsole(new TextEncoder().encode(`${typed}\nend\n`), 1);
  };
  const ended = (names: readonly string[]) => (text: string) =>
    names.every(name => new RegExp(`^${name}: (ok|FAIL)`, 'm').test(text));
  // The guest sees the keys only when it listens, and q, which ends that, only when all else is done.
  const steps: readonly { readonly when: (text: string) => boolean; readonly act: () => void }[] = [
    { when: text => text.includes('input: QEMU Virtio Tablet has'), act: () => useInput('hello linux') },
    {
      when: text => text.includes('serve: listening'),
      act: () => echoed.push(exchange(network.tcpPorts[0], SENT)),
    },
    { when: ended([...TWICE, 'rtc', 'disk', 'udp', 'tcp', 'serve']), act: () => console.type('q') },
    { when: text => text.includes('input again: QEMU Virtio Tablet has'), act: () => useInput('once more') },
    {
      when: ended([...TWICE.map(name => `${name} again`), 'network again', 'disk controls']),
      act: () => console.type('q'),
    },
  ];
  if (resetAt !== undefined) {
    session.stopAtIcount(resetAt);
    await session.resume({ kind: 'continue', direction: 'forward' });
    session.reset('monitor');
    session.stopAtIcount(undefined);
  }
  const before = console.text.length;
  let next = 0;
  const seen = console.write.bind(console);
  console.write = bytes => {
    seen(bytes);
    const text = console.text.slice(before);
    while (next < steps.length && steps[next].when(text)) steps[next++].act();
  };
  const end = await session.runToEnd({ timeoutMs: 120_000 });
  const recorded = {
    end,
    said: console.text.slice(before),
    console: console.text,
    virtioConsole: virtioConsole.text,
    steps: session.history.end,
    digests: digestsOf(session),
    events: session.events().map(({ text }) => text),
    echoed: await Promise.all(echoed),
    file,
  };
  session.close();
  sound.close();
  network.close();
  const played = readFileSync(files.played);
  for (const path of Object.values(files)) rmSync(path);
  return { ...recorded, played };
}

describe.skipIf(missing !== undefined)(`Linux with a driver for each device (${missing ?? 'built'})`, () => {
  test.each(ROUNDS)('uses them all at once, and is replayed: %o', { timeout: 300_000 }, async round => {
    const recorded = await record(round);
    const text = recorded.said.replaceAll('\r', '');
    expect(text, 'whatever a process says last').not.toContain('FAIL');
    expect(text).toContain('init: 0 failed');
    expect(recorded.end).toEqual({ kind: 'power-off', code: 0 });
    expect(text).toContain(`init: ${round.harts} harts`);
    expect(text).toMatch(/rtc: alarm 0xa0 after about [12] s/);
    expect(text).toMatch(/IP-Config: Got DHCP answer from 10\.0\.2\.2, my address is 10\.0\.2\.15/);
    expect(text).toContain('udp: 40 of 40 came back');
    expect(text).toContain(`tcp: ${ANSWER.length} bytes, sum ${fold(ANSWER)}`);
    expect(text).toContain(`serve: ${SENT.length} bytes echoed`);
    expect(recorded.echoed.map(bytes => Buffer.compare(bytes, SENT))).toEqual([0]);
    const [, captured, overruns] = /^capture: 44100 Hz, sum (\w+), (\d+) overruns$/m.exec(text) ?? [];
    // Where real time passes, a busy host may be too slow for the guest to take every sample.
    if (round.clock === 'virtual') expect(overruns).toBe('0');
    // What was captured before a reset is gone.
    if (overruns === '0' && round.resetAt === undefined) {
      expect(captured).toBe(fold(CAPTURED.subarray(0, 20 * 480 * 4)));
    }
    expect(captured).toBeDefined();
    expect(recorded.virtioConsole).toMatch(/^(hello from hvc0\n)+HELLO LINUX\nEND\n/);
    if (round.rebind) expect(recorded.virtioConsole).toMatch(/\nhello from hvc0\nONCE MORE\nEND\n$/);
    // A key pressed and one released each are an event and a report; Linux repeats none that is released at once.
    const [, events, reports] = /input: (\d+) events, (\d+) of them reports/.exec(text) ?? [];
    expect(Number(events)).toBeGreaterThan(50);
    expect(Number(reports)).toBeGreaterThan(20);
    // The last period of a stream is whole, so what was played begins with what was written.
    expect(recorded.played.readUInt32LE(24)).toBe(48_000);
    expect(recorded.played.readInt16LE(44 + 4 * 100)).toBe(((100 * 150) & 0x7fff) - 0x4000);

    const kinds = new Set(recorded.events.map(event => event.split(' ')[0]));
    const expected = ['console', 'network', 'input', 'audio-in', 'entropy'];
    if (round.diskAsync) expected.push('block');
    if (round.resetAt !== undefined) expected.push('reset');
    expect([...kinds]).toEqual(expect.arrayContaining(expected));

    const recording = recorded.file.read();
    const random = new Random(round.harts);
    const moments = Array.from({ length: 4 }, () => random.below(recorded.steps));
    const found: object[] = [];
    for (const jit of [true, false]) {
      const again = replay(recording, { jit, snapshotIntervalSteps: 10_000_000 });
      expect(await again.session.verify()).toMatchObject({ icount: recorded.steps });
      expect(again.console.text).toBe(recorded.console);
      expect(again.virtioConsole.text).toBe(recorded.virtioConsole);
      expect(digestsOf(again.session)).toEqual(recorded.digests);
      const there: object[] = [];
      again.session.attach();
      for (const moment of moments) {
        await again.session.seek(moment);
        there.push(digestsOf(again.session));
      }
      found.push(there);
      again.session.close();
    }
    expect(found[1]).toEqual(found[0]);

    const path = join(folder, 'run.bst');
    writeFileSync(path, recorded.file.bytes);
    const { code, stdout } = await backstub('verify', path);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`agree over ${recorded.steps} steps`)]);
  });
});
