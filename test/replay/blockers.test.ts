import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/api/index.js';
import { deviceRow } from '../../src/boards/device-row.js';
import type { MmioDevice } from '../../src/ports/device.js';
import { bootFixture, fixture, MemoryFile } from '../support/sessions.js';
import { buildWith } from '../support/virt.js';

/** A sensor of the host: what it shows is in no recording. */
const row = deviceRow({
  name: 'host sensor',
  state: {},
  window: { name: 'sensor', base: 0x3000_0000, bytes: 0x1000 },
  build: () => ({ registers: sensor }),
});
const options = { build: buildWith(row) };

const sensor: MmioDevice = {
  access: { min: 4, max: 4 },
  width: 4,
  notReplayable: { name: 'host-sensor', because: "shows the host's temperature" },
  read: () => 21,
  peek: () => 21,
  write() {},
};

describe('a device that cannot be replayed', () => {
  test('refuses recording by its name, and nothing is written', () => {
    const { session } = bootFixture(fixture('rv64', 'demo'), options);
    const file = new MemoryFile();
    expect(() => session.record(file)).toThrow(InputError);
    expect(() => session.record(file)).toThrow(/device host-sensor shows the host's temperature/);
    expect(file.bytes).toHaveLength(0);
  });

  test('does not keep the machine from running', async () => {
    const { session, console } = bootFixture(fixture('rv64', 'compute'), options);
    expect(await session.runToEnd({})).toEqual({ kind: 'power-off', code: 0 });
    expect(console.text).not.toBe('');
  });
});
