import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { bootSession } from '../../src/assembly/session.js';
import { systemClock } from '../../src/host/clock.js';
import { hostRandom } from '../../src/host/random.js';
import { firmwareMissing, linuxKernel, OPENSBI } from '../support/guests.js';
import { MemoryFile, replay } from '../support/sessions.js';

const kernel = linuxKernel('up');
const missing =
  firmwareMissing ?? (kernel === undefined ? 'no kernel: npm run test:full builds it' : undefined);
const named = (path: string) => ({ name: basename(path), bytes: readFileSync(path) });

test.skipIf(missing !== undefined)(
  "Linux uses disk, entropy device and hvc0, all at the host's mercy, and is replayed without them",
  { timeout: 600_000 },
  async () => {
    const image = kernel?.image ?? '';
    const console = new MemoryConsole();
    const virtioConsole = new MemoryConsole();
    // Completes requests out of order: each other one is kept back until the next comes or nothing else happens.
    const kept: (() => void)[] = [];
    const start = (_disk: number, _offset: number, _length: number, done: () => void) => {
      const finishAll = () => {
        for (const finish of kept.splice(0)) finish();
      };
      if (kept.length > 0) setImmediate(finishAll);
      else setTimeout(finishAll, 1);
      kept.unshift(done);
    };
    const bytes = Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * 31 + (i >> 9)) & 0xff);
    const session = bootSession(
      named(image),
      {
        clock: 'virtual',
        bios: named(OPENSBI.dynamic),
        disks: [{ name: 'disk', sectors: bytes.length / 512, extents: [{ offset: 0, bytes }] }],
        config: { append: 'console=ttyS0', rng: true, virtioConsole: true, diskAsync: true, entropy: 'host' },
      },
      { console, virtioConsole, clock: systemClock, random: hostRandom, blocks: { start } },
    );
    const file = new MemoryFile();
    session.record(file);
    expect(await session.runToEnd({ maxIcount: 2_000_000_000 })).toEqual({ kind: 'power-off', code: 0 });
    session.close();
    expect(console.text).toContain('failures=0');
    expect(console.text).toMatch(/guest: hwrng {4}16 bytes:( [0-9a-f]{2}){16}/);
    expect(virtioConsole.text).toContain('hello from the guest on hvc0');

    const recording = file.read();
    const kinds = new Set([...recording.events].map(({ event }) => event.kind));
    expect([...kinds]).toEqual(expect.arrayContaining(['entropy', 'block']));
    const replayed = replay(recording);
    expect(await replayed.session.verify()).toMatchObject({ end: { kind: 'power-off', code: 0 } });
    expect(replayed.console.text).toBe(console.text);
  },
);
