import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { boot } from '../../src/api/index.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { backstub } from '../cli/backstub.js';
import { Random } from '../lockstep/random.js';
import { digestsOf, fixture, replay } from '../support/sessions.js';
import { disturb, openWorld } from './all-devices-host.js';

const ROUNDS = process.env.BACKSTUB_FULL ? 200 : 20;
const folder = mkdtempSync(join(tmpdir(), 'backstub-devices-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Steps that the firmware runs when nobody disturbs it. */
const USUAL_STEPS = 4_000_000;
/** So many rounds are replayed in a process of their own, too. */
const RESTARTED_EACH = 5;

/** Runs a machine under random input until the guest or the host ends it; what it was at its end. */
async function recordRound(random: Random) {
  const world = await openWorld(random, folder);
  const { session } = world;
  try {
    session.setMemory('udp_port', Uint8Array.of(world.wire.port & 0xff, world.wire.port >> 8));
    const disturbances = 10 + random.below(60);
    for (let i = 0; i < disturbances && session.exitCode === undefined; i++) {
      session.target.stopAtIcount(
        session.icount + 1 + random.below(Math.ceil((2 * USUAL_STEPS) / disturbances)),
      );
      await session.continue();
      if (session.exitCode === undefined) await disturb(world, random);
    }
    if (session.exitCode === undefined) {
      if (random.chance(30))
        session.target.requestShutdown(random.pick(['monitor', 'host-quit', 'host-signal']));
      else session.console.type('q');
      await session.continue();
    }
    expect(session.exitCode, world.choice).toBe(0);
    return {
      ...world,
      serial: session.console.text,
      virtio: session.virtioConsole.text,
      steps: session.history.end,
      digests: digestsOf(session.target),
    };
  } finally {
    world.close();
  }
}

/** Replays compiled and interpreted, straight and from snapshots, at the same random moments. */
async function replayRound(round: Awaited<ReturnType<typeof recordRound>>, random: Random) {
  const recording = readRecording(readFileSync(round.recording), { name: round.recording });
  const moments = Array.from({ length: 3 }, () => random.below(round.steps + 1));
  const found: object[] = [];
  for (const jit of [true, false]) {
    const { session, console, virtioConsole } = replay(recording, {
      jit,
      snapshotIntervalSteps: 5000 + random.below(500_000),
    });
    const verified = await session.verify();
    expect(verified, round.choice).toMatchObject({
      icount: round.steps,
      end: { kind: 'power-off', code: 0 },
    });
    expect(console.text).toBe(round.serial);
    expect(virtioConsole.text).toBe(round.virtio);
    expect(digestsOf(session), round.choice).toEqual(round.digests);
    if (!jit) await session.seek('start');
    session.attach();
    const there: object[] = [];
    for (const moment of moments) {
      await session.seek(moment);
      there.push(digestsOf(session));
    }
    await session.seek('end');
    expect(digestsOf(session), round.choice).toEqual(round.digests);
    found.push(there);
    session.close();
  }
  expect(found[1], `${round.choice}, at ${moments}`).toEqual(found[0]);
  return recording;
}

describe('a machine that uses all devices at once, under random input', () => {
  test(`${ROUNDS} rounds of recording, and of replaying without files and network`, {
    timeout: ROUNDS * 20_000,
  }, async () => {
    const kinds = new Map<string, number>();
    for (let number = 0; number < ROUNDS; number++) {
      const random = new Random(number + 1);
      const round = await recordRound(random);
      for (const name of readdirSync(folder)) {
        if (name !== basename(round.recording)) rmSync(join(folder, name));
      }
      const recording = await replayRound(round, random);
      for (const { event } of recording.events) kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1);
      if (number % RESTARTED_EACH === 0) {
        const { code, stdout, stderr } = await backstub('verify', round.recording);
        expect([code, stderr], `${round.choice}: ${stdout}`).toEqual([0, '']);
      }
    }
    const all = [
      'console',
      'network',
      'input',
      'audio-in',
      'block',
      'entropy',
      'warp',
      'reset',
      'shutdown',
      'write-register',
      'write-memory',
    ];
    expect([...kinds.keys()].toSorted()).toEqual(all.toSorted());
    expect(kinds.get('network')).toBeGreaterThan(20 * ROUNDS);
  });
});

describe('one device at a time', () => {
  test('equal seeds give equal random bytes, different seeds do not', async () => {
    const run = async (entropySeed: number) => {
      using session = boot(fixture('rv64', 'devices'), { cpu: 'rv64gc_zkr', rng: true, entropySeed });
      await session.continue();
      return session.console.text;
    };
    const first = await run(7);
    expect(first).toMatch(/random: 399, checksum [0-9a-f]{8}/);
    expect(first).toMatch(/seed: [0-9a-f]{8}\r?\n/);
    expect(await run(7)).toBe(first);
    expect(await run(8)).not.toBe(first);
  });

  test("the host's entropy differs from run to run", async () => {
    const run = async () => {
      using session = boot(fixture('rv64', 'devices'), { rng: true, entropy: 'host' });
      await session.continue();
      return session.console.text;
    };
    expect(await run()).not.toBe(await run());
  });

  test('what is typed at the virtio console comes back from it, and only from it', async () => {
    using session = boot(fixture('rv64', 'devices'), { virtioConsole: true });
    session.virtioConsole.type('hello there\n');
    await session.continue();
    expect(session.virtioConsole.text).toContain('HELLO THERE\n');
    expect(session.console.text).not.toContain('HELLO');
  });

  test('going back and forth does not print twice on the virtio console', async () => {
    using session = boot(fixture('rv64', 'devices'), { virtioConsole: true });
    session.virtioConsole.type('once\n');
    await session.continue();
    const shown = session.virtioConsole.text;
    await session.seek('start');
    await session.continue();
    expect(session.virtioConsole.text).toBe(shown);
    expect(shown.match(/ONCE/g)).toHaveLength(1);
  });

  test('played samples are in the WAV file, once, with the rate that the guest chose', async () => {
    const output = join(folder, 'out.wav');
    const session = boot(fixture('rv64', 'devices'), {
      sound: 'playback',
      soundFiles: { input: undefined, output },
    });
    await session.continue();
    await session.seek('start');
    await session.continue();
    session.close();
    const file = readFileSync(output);
    expect(file.readUInt32LE(24)).toBe(48_000);
    expect(file.length).toBe(44 + file.readUInt32LE(40));
    // The firmware's triangle, the right channel upside down: 0.2 s of it.
    expect((file.length - 44) / 4).toBeGreaterThan(0.19 * 48_000);
    let mirrored = 0;
    for (let at = 44; at < file.length; at += 4) {
      if (file.readInt16LE(at + 2) + file.readInt16LE(at) === 0) mirrored++;
    }
    expect(mirrored).toBe((file.length - 44) / 4);
    expect(file.readInt16LE(44)).toBe(0x3fff - 0x0250);
  });

  test('an input device that is not there is named, and so is a key', async () => {
    using session = boot(fixture('rv64', 'devices'), { inputs: ['keyboard'] });
    expect(() => session.input.moveMouse(1, 1)).toThrow(/no mouse: set inputs to mouse when it boots/);
    expect(() => session.input.sendKey('shift-nokey')).toThrow(/there is no key "nokey"/);
    session.input.sendKey('shift-a');
    await session.continue();
    const pressed = [42, 30].flatMap(code => [`input 0 type 1 code ${code} value 1`, 'input 0 sync']);
    const released = [30, 42].flatMap(code => [`input 0 type 1 code ${code} value 0`, 'input 0 sync']);
    expect(session.target.events().map(({ text }) => text)).toEqual([...pressed, ...released]);
  });

  test('too many virtio devices are refused', () => {
    const inputs = Array.from({ length: 8 }, () => 'mouse' as const);
    expect(() => boot(fixture('rv64', 'devices'), { inputs, rng: true })).toThrow(
      /9 virtio devices .* room for 8/,
    );
  });
});
