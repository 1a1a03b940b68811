import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { boot, type DebugSession, openRecording } from '../../src/api/index.js';
import { Random } from '../lockstep/random.js';
import { fixture } from '../support/sessions.js';

const ROUNDS = process.env.BACKSTUB_FULL ? 200 : 20;
const folder = mkdtempSync(join(tmpdir(), 'backstub-devices-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Steps that the firmware runs when nobody disturbs it. */
const USUAL_STEPS = 3_000_000;

/** None is the q that ends the firmware. */
const lettersOf = (random: Random, length: number) =>
  Array.from({ length }, () => random.pick([...'abcdefgh \n'])).join('');

/** Does something to one of the machine's devices, or to the machine. */
function disturb(session: DebugSession, random: Random): void {
  switch (random.below(9)) {
    case 0:
      session.console.type(lettersOf(random, 1 + random.below(40)));
      break;
    case 1:
    case 2:
      session.virtioConsole.type(lettersOf(random, 1 + random.below(300)));
      break;
    case 3:
      session.input.sendKey(random.pick(['a', 'shift-b', 'ctrl-alt-delete', 'f12', 'ret']));
      break;
    case 4:
      session.input.moveMouse(random.below(200) - 100, random.below(200) - 100, random.below(3) - 1);
      break;
    case 5:
      session.input.moveTablet(random.below(32_768), random.below(32_768));
      break;
    case 6:
      session.input.setButtons(random.below(8));
      break;
    case 7:
      session.setRegister('mscratch', BigInt(random.below(2 ** 31)));
      break;
    default:
      if (random.below(6) === 0) session.target.reset('script');
  }
}

/** 16-bit stereo noise at 44.1 kHz, as a WAV file. */
function noise(path: string, random: Random): void {
  const samples = random.bytes(40_000);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(samples.length + 36, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(2, 22);
  header.writeUInt32LE(44_100, 24);
  header.writeUInt32LE(176_400, 28);
  header.writeUInt16LE(4, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  writeFileSync(path, Buffer.concat([header, samples]));
}

describe('a machine that uses all devices at once, under random input', () => {
  test(`${ROUNDS} rounds of recording, and of replaying without the files it was built from`, {
    timeout: ROUNDS * 10_000,
  }, async () => {
    const kinds = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const random = new Random(round + 1);
      const files = {
        disk: join(folder, 'disk.img'),
        sound: join(folder, 'in.wav'),
        record: join(folder, 'run.bst'),
      };
      writeFileSync(files.disk, random.bytes(65_536));
      noise(files.sound, random);
      const width = round % 4 === 3 ? 'rv32' : 'rv64';
      const live = boot(fixture(width, 'devices'), {
        cpu: `${width}gc_zkr`,
        rng: true,
        virtioConsole: true,
        inputs: ['keyboard', 'mouse', 'tablet'],
        sound: 'duplex',
        soundFiles: { input: files.sound, output: undefined },
        disks: [files.disk],
        diskAsync: round % 3 !== 2,
        entropy: round % 2 === 0 ? 'host' : undefined,
        entropySeed: round,
        virtio: round % 5 < 3 ? 'legacy' : 'modern',
        record: files.record,
      });
      const disturbances = 10 + random.below(60);
      for (let i = 0; i < disturbances && live.exitCode === undefined; i++) {
        live.target.stopAtIcount(live.icount + 1 + random.below(Math.ceil((2 * USUAL_STEPS) / disturbances)));
        await live.continue();
        if (live.exitCode === undefined) disturb(live, random);
      }
      if (live.exitCode === undefined) {
        live.console.type('q');
        await live.continue();
      }
      expect(live.exitCode, `round ${round}`).toBe(0);
      const seen = { serial: live.console.text, virtio: live.virtioConsole.text, steps: live.history.end };
      live.close();

      rmSync(files.disk);
      rmSync(files.sound);
      using replayed = openRecording(files.record);
      const verified = await replayed.target.verify();
      expect(verified, `round ${round}`).toMatchObject({
        icount: seen.steps,
        end: { kind: 'power-off', code: 0 },
      });
      expect(replayed.console.text).toBe(seen.serial);
      expect(replayed.virtioConsole.text).toBe(seen.virtio);
      for (const { text } of replayed.target.events()) kinds.add(text.split(' ')[0]);
    }
    for (const kind of ['console', 'input', 'audio-in', 'block', 'entropy', 'write-register', 'reset']) {
      expect(kinds).toContain(kind);
    }
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
    expect(() => session.input.moveMouse(1, 1)).toThrow(/no mouse: boot it with --input mouse/);
    expect(() => session.input.sendKey('shift-nokey')).toThrow(/there is no key "nokey"/);
    session.input.sendKey('shift-a');
    await session.continue();
    const pressed = [42, 30].flatMap(code => [`input 0 type 1 code ${code} value 1`, 'input 0 sync']);
    const released = [30, 42].flatMap(code => [`input 0 type 1 code ${code} value 0`, 'input 0 sync']);
    expect(session.target.events().map(({ text }) => text)).toEqual([...pressed, ...released]);
  });

  test('too many virtio devices are refused', () => {
    const inputs = Array.from({ length: 9 }, () => 'mouse' as const);
    expect(() => boot(fixture('rv64', 'devices'), { inputs })).toThrow(/9 virtio devices .* room for 8/);
  });
});
