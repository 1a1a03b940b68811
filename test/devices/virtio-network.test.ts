import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { virtioSlot } from '../../src/boards/virt/memory-map.js';
import { VIRTIO_NETWORK_STATE, VirtioNetwork } from '../../src/devices/virtio/network.js';
import { accessQemu, hasQemu } from './qtest.js';
import { instantiate } from './rig.js';
import { Ram, VirtioDriver } from './virtio-driver.js';

const RECEIVE = 0;
const TRANSMIT = 1;
const CONTROL = 2;
const MERGE = 1 << 15;
const CONTROL_QUEUE = (1 << 17) | (1 << 18) | (1 << 19) | (1 << 20) | (1 << 23);
const HEADER = 12;

function board(version: 'legacy' | 'modern' = 'modern') {
  const ram = new Ram();
  const sent: Uint8Array[] = [];
  let network: VirtioNetwork | undefined;
  const { device, rig, bytes } = instantiate(VIRTIO_NETWORK_STATE, (state, rig) => {
    network = new VirtioNetwork(state, version, {
      irq: rig.line('irq'),
      dma: ram,
      output: { send: packet => sent.push(packet) },
      clock: rig.clock,
      timer: rig.timer(0),
    });
    return network.transport;
  });
  if (network === undefined) throw new Error('no device');
  const state = VIRTIO_NETWORK_STATE.bind(bytes.buffer, 0);
  return { network, device, rig, ram, sent, state, bytes, driver: new VirtioDriver(device, ram, rig) };
}

function started(features = 0) {
  const parts = board();
  parts.driver.start(features, 3);
  return parts;
}

const packet = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => i * 7 + seed);
const withHeader = (bytes: Uint8Array) => Uint8Array.of(...new Array<number>(HEADER).fill(0), ...bytes);
const payloadOf = (written: Uint8Array) => written.slice(HEADER);

describe.skipIf(!hasQemu())('as QEMU shows it (skipped unless qemu-system-riscv64 is installed)', () => {
  for (const version of ['legacy', 'modern'] as const) {
    test(`identity, features, queues and configuration, ${version}`, async () => {
      const reads = [0x00, 0x04, 0x08, 0x0c, 0x60, 0x70].map(offset => [offset]);
      const features = [0, 1].map(select => [0x10, 0x14, select]);
      const queues = [0, 1, 2, 3, 4].map(queue => [0x34, 0x30, queue]);
      const { device } = board(version);
      const base = virtioSlot(7).base;
      const accesses = [...reads, ...features, ...queues].flatMap(([offset, selector, value]) => [
        ...(selector === undefined ? [] : [{ address: base + selector, size: 4 as const, value }]),
        { address: base + offset, size: 4 as const },
      ]);
      const config = Array.from({ length: 16 }, (_, i) => ({ address: base + 0x100 + i, size: 1 as const }));
      const all = [...accesses, ...config];
      const theirs = await accessQemu(all, {
        args: ['-netdev', 'user,id=n', '-device', 'virtio-net-device,netdev=n'].concat(
          version === 'modern' ? ['-global', 'virtio-mmio.force-legacy=false'] : [],
        ),
      });
      const ours = all.map(access => {
        const { address, size } = access;
        if (!('value' in access) || access.value === undefined) return device.read(address - base, size);
        device.write(address - base, size, access.value);
        return 0;
      });
      expect(ours).toEqual(theirs.map(({ value }) => value));
    });
  }
});

describe('transmission', () => {
  test('packets leave in order and without their header, a little after the notification', () => {
    const { driver, sent, state } = started();
    const packets = [60, 1514, 61].map(packet);
    for (const [i, bytes] of packets.entries()) {
      const parts =
        i === 1 ? [withHeader(bytes).slice(0, 5), withHeader(bytes).slice(5)] : [withHeader(bytes)];
      driver.offer(
        TRANSMIT,
        parts.map(content => ({ content })),
      );
    }
    driver.notify(TRANSMIT);
    expect(sent).toEqual([]);
    driver.wait();
    expect(sent).toEqual(packets);
    expect(driver.finished(TRANSMIT)).toHaveLength(3);
    expect(driver.interrupted).toBe(true);
    driver.acknowledge();
    expect(driver.interrupted).toBe(false);
    expect(state.sent).toBe(3);
  });

  test('what was sent is in the state: another packet is another state', () => {
    const hashes = [1, 2].map(seed => {
      const { driver, state } = started();
      driver.offer(TRANSMIT, [{ content: withHeader(packet(60, seed)) }]);
      driver.notify(TRANSMIT);
      driver.wait();
      return state.sentHash;
    });
    expect(hashes[0]).not.toBe(hashes[1]);
  });
});

describe('reception', () => {
  test('into one buffer, with the number of buffers in the header', () => {
    const { driver, network } = started();
    driver.offer(RECEIVE, [{ content: 10 }, { content: 2000 }]);
    network.receive(packet(100, 3));
    const [{ written }] = driver.finished(RECEIVE);
    expect([...written.slice(0, HEADER)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(payloadOf(written)).toEqual(packet(100, 3));
    expect(driver.interrupted).toBe(true);
  });

  test('over several merged buffers', () => {
    const { driver, network } = started(MERGE);
    for (let i = 0; i < 3; i++) driver.offer(RECEIVE, [{ content: 100 }]);
    network.receive(packet(250, 1));
    const done = driver.finished(RECEIVE);
    expect(done.map(({ written }) => written.length)).toEqual([100, 100, 62]);
    expect(done[0].written[10]).toBe(3);
    const whole = done.flatMap(({ written }) => [...written]);
    expect(Uint8Array.from(whole.slice(HEADER))).toEqual(packet(250, 1));
  });

  test('waits for enough buffers', () => {
    const { driver, network } = started(MERGE);
    driver.offer(RECEIVE, [{ content: 100 }]);
    network.receive(packet(250, 1));
    expect(driver.finished(RECEIVE)).toEqual([]);
    driver.offer(RECEIVE, [{ content: 500 }]);
    driver.notify(RECEIVE);
    driver.wait();
    expect(driver.finished(RECEIVE).map(({ written }) => written.length)).toEqual([100, 162]);
  });

  test('what does not fit a buffer that cannot be merged is lost, the buffer is not', () => {
    const { driver, network, state } = started();
    driver.offer(RECEIVE, [{ content: 100 }]);
    network.receive(packet(89, 1));
    network.receive(packet(88, 2));
    expect(driver.finished(RECEIVE).map(({ written }) => payloadOf(written))).toEqual([packet(88, 2)]);
    expect(state.dropped).toBe(1);
  });

  test('a flood without buffers: 64 KiB wait, the rest is lost, what waited comes in order', () => {
    const { driver, network, state } = started();
    for (let i = 0; i < 10_000; i++) network.receive(packet(1000, i));
    const kept = Math.floor(65_536 / 1002);
    expect(state.dropped).toBe(10_000 - kept);
    const received: Uint8Array[] = [];
    while (received.length < kept) {
      for (let i = 0; i < 10; i++) driver.offer(RECEIVE, [{ content: 1514 }]);
      driver.notify(RECEIVE);
      driver.wait();
      const done = driver.finished(RECEIVE);
      expect(done.length).toBeGreaterThan(0);
      received.push(...done.map(({ written }) => payloadOf(written)));
    }
    expect(received).toEqual(Array.from({ length: kept }, (_, i) => packet(1000, i)));
    expect(network.room).toBe(65_534);
  });

  test('waits for a driver', () => {
    const { network, driver } = board();
    network.receive(packet(60, 1));
    driver.start(0, 3);
    network.receive(packet(60, 2));
    driver.offer(RECEIVE, [{ content: 100 }]);
    driver.notify(RECEIVE);
    driver.wait();
    // Starting resets the device, which forgets what came before.
    expect(driver.finished(RECEIVE).map(({ written }) => payloadOf(written))).toEqual([packet(60, 2)]);
  });
});

describe('a driver that breaks the rules is told to reset, and can go on afterwards', () => {
  const cases: readonly [string, (parts: ReturnType<typeof started>) => void][] = [
    ['a transmission without anything to send', ({ driver }) => driver.offer(TRANSMIT, [{ content: 60 }])],
    [
      'a buffer to receive into that is to be read',
      ({ driver, network }) => {
        driver.offer(RECEIVE, [{ content: packet(60, 0) }]);
        network.receive(packet(60, 0));
      },
    ],
    [
      'a command without room for its result',
      ({ driver }) => driver.offer(CONTROL, [{ content: packet(3, 0) }]),
    ],
    [
      'more requests than the queue has entries',
      ({ ram }) => ram.view.setUint16(TRANSMIT * 0x2000 + 0x1002, 5000, true),
    ],
    [
      'a chain that loops',
      ({ driver, ram }) => {
        const head = driver.offer(TRANSMIT, [{ content: packet(60, 0) }]);
        const at = TRANSMIT * 0x2000 + 16 * head;
        ram.view.setUint16(at + 12, 1, true);
        ram.view.setUint16(at + 14, head, true);
      },
    ],
    [
      'a buffer that is nowhere',
      ({ driver, ram }) => {
        const head = driver.offer(TRANSMIT, [{ content: packet(60, 0) }]);
        ram.view.setUint32(TRANSMIT * 0x2000 + 16 * head, 0x1000_0000, true);
      },
    ],
  ];
  test.each(cases)('%s', (_, act) => {
    const parts = started(CONTROL_QUEUE);
    const { driver, sent } = parts;
    act(parts);
    for (const queue of [RECEIVE, TRANSMIT, CONTROL]) driver.notify(queue);
    driver.wait();
    expect(driver.needsReset).toBe(true);
    expect(driver.interrupted).toBe(true);
    sent.length = 0;
    driver.start(0, 3);
    driver.offer(TRANSMIT, [{ content: withHeader(packet(60, 9)) }]);
    driver.notify(TRANSMIT);
    driver.wait();
    expect(driver.needsReset).toBe(false);
    expect(sent).toEqual([packet(60, 9)]);
  });
});

describe('what a driver wants to see', () => {
  const to = (address: readonly number[], ...more: number[]) =>
    Uint8Array.from({ length: 60 }, (_, i) => [...address, 2, 0, 0, 0, 0, 9, ...more][i] ?? 0);
  const OWN = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
  const GROUP = [1, 0, 0x5e, 0, 0, 1];
  const OTHER = [2, 0, 0, 0, 0, 1];
  const EVERYBODY = [255, 255, 255, 255, 255, 255];

  function filtering() {
    const parts = started(CONTROL_QUEUE);
    const { driver, network } = parts;
    const command = (...bytes: number[]) => {
      driver.offer(CONTROL, [{ content: Uint8Array.from(bytes) }, { content: 1 }]);
      driver.notify(CONTROL);
      driver.wait();
      return driver.finished(CONTROL)[0].written[0];
    };
    const sees = (bytes: Uint8Array) => {
      driver.offer(RECEIVE, [{ content: 1514 }]);
      network.receive(bytes);
      return driver.finished(RECEIVE).length === 1;
    };
    return { ...parts, command, sees };
  }

  test('everything until it says otherwise; then its own address and broadcasts', () => {
    const { command, sees } = filtering();
    expect([OWN, GROUP, OTHER, EVERYBODY].map(address => sees(to(address)))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(command(0, 0, 0)).toBe(0);
    expect([OWN, GROUP, OTHER, EVERYBODY].map(address => sees(to(address)))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(command(0, 5, 1)).toBe(0);
    expect(sees(to(EVERYBODY))).toBe(false);
  });

  test('addresses and groups that it lists', () => {
    const { command, sees } = filtering();
    command(0, 0, 0);
    expect(command(1, 0, 1, 0, 0, 0, ...OTHER, 1, 0, 0, 0, ...GROUP)).toBe(0);
    expect(
      [OTHER, GROUP, [2, 0, 0, 0, 0, 2], [1, 0, 0x5e, 0, 0, 2]].map(address => sees(to(address))),
    ).toEqual([true, true, false, false]);
    expect(command(1, 1, ...OTHER)).toBe(0);
    command(1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    expect([OTHER, OWN].map(address => sees(to(address)))).toEqual([true, false]);
  });

  test('all groups, or all hosts, when it says so or lists more than there is room for', () => {
    const many = (first: number) => [
      ...[70, 0, 0, 0],
      ...Array.from({ length: 70 }, (_, i) => [first, 0, 0x5e, 9, 9, i]).flat(),
    ];
    const none = [0, 0, 0, 0];
    const seen = (...commands: number[][]) => {
      const { command, sees } = filtering();
      command(0, 0, 0);
      for (const one of commands) expect(command(...one)).toBe(0);
      return [OWN, GROUP, OTHER, EVERYBODY].map(address => sees(to(address)));
    };
    expect(seen([0, 1, 1])).toEqual([true, true, false, true]);
    expect(seen([0, 1, 1], [0, 3, 1])).toEqual([true, false, false, true]);
    expect(seen([1, 0, ...none, ...many(1)])).toEqual([true, true, false, true]);
    expect(seen([0, 2, 1])).toEqual([true, false, true, true]);
    expect(seen([0, 2, 1], [0, 4, 1])).toEqual([false, false, false, true]);
    expect(seen([1, 0, ...many(2), ...none])).toEqual([true, false, true, true]);
  });

  test('VLANs that it lists', () => {
    const { command, sees } = filtering();
    command(0, 0, 0);
    expect(sees(to(OWN, 0x81, 0, 0, 5))).toBe(false);
    expect(command(2, 0, 5, 0)).toBe(0);
    expect(sees(to(OWN, 0x81, 0, 0, 5))).toBe(true);
    expect(command(2, 1, 5, 0)).toBe(0);
    expect(sees(to(OWN, 0x81, 0, 0, 5))).toBe(false);
  });

  test('commands that make no sense are refused', () => {
    const { command } = filtering();
    const wrong = [
      [9, 0],
      [0, 9, 1],
      [0, 0],
      [1, 1, 2, 3],
      [1, 0, 9, 0, 0, 0],
      [2, 0, 0, 0x10],
      [2, 7, 5, 0],
    ];
    expect(wrong.map(bytes => command(...bytes))).toEqual(wrong.map(() => 1));
  });
});

describe('random traffic', () => {
  const action = fc.oneof(
    fc.record({
      kind: fc.constant('packet' as const),
      length: fc.integer({ min: 14, max: 1514 }),
      seed: fc.nat(255),
    }),
    fc.record({ kind: fc.constant('offer' as const), length: fc.integer({ min: 30, max: 1600 }) }),
    fc.record({ kind: fc.constant('send' as const), length: fc.integer({ min: 14, max: 1514 }) }),
    fc.record({ kind: fc.constant('wait' as const), ns: fc.integer({ min: 1, max: 30_000 }) }),
  );
  type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

  /** Heads of what is offered and not finished, so that the queue never holds more than it can. */
  function play(parts: ReturnType<typeof started>, actions: readonly Action[], received: Uint8Array[]): void {
    const { driver, network } = parts;
    let open = 0;
    for (const step of actions) {
      if (step.kind === 'packet') network.receive(packet(step.length, step.seed));
      else if (step.kind === 'wait') driver.wait(step.ns);
      else if (step.kind === 'send') {
        driver.offer(TRANSMIT, [{ content: withHeader(packet(step.length, 1)) }]);
        driver.notify(TRANSMIT);
        driver.wait(10_000);
      } else if (open < driver.queueSize) {
        driver.offer(RECEIVE, [{ content: step.length }]);
        driver.notify(RECEIVE);
        open++;
      }
      for (const { written } of driver.finished(RECEIVE)) {
        open--;
        received.push(written);
      }
    }
  }

  /** Puts the merged buffers of each packet together. */
  function packetsOf(received: readonly Uint8Array[]): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let at = 0; at < received.length; ) {
      const buffers = received[at][10];
      const whole = received.slice(at, at + buffers).flatMap(bytes => [...bytes]);
      packets.push(Uint8Array.from(whole.slice(HEADER)));
      at += buffers;
    }
    return packets;
  }

  test('every packet that is not lost arrives whole and in order', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 150 }), actions => {
        const parts = started(MERGE);
        const received: Uint8Array[] = [];
        play(parts, actions, received);
        const given = actions.flatMap(step =>
          step.kind === 'packet' ? [packet(step.length, step.seed)] : [],
        );
        const arrived = packetsOf(received);
        if (parts.state.dropped === 0) expect(arrived).toEqual(given.slice(0, arrived.length));
        else expect(arrived.length + parts.state.dropped).toBeLessThanOrEqual(given.length);
      }),
      { numRuns: 150 },
    );
  });

  test('a machine built from a snapshot in the middle goes on alike', () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 80 }),
        fc.array(action, { maxLength: 80 }),
        (before, after) => {
          const first = started(MERGE);
          play(first, before, []);
          const second = board();
          second.bytes.set(first.bytes);
          second.ram.bytes.set(first.ram.bytes);
          second.rig.restoreFrom(first.rig);
          first.sent.length = 0;
          for (const parts of [first, second]) {
            for (const step of after) {
              if (step.kind === 'packet') parts.network.receive(packet(step.length, step.seed));
              else if (step.kind === 'wait') parts.rig.advance(step.ns, parts.device);
              else parts.device.write(0x50, 4, step.kind === 'send' ? TRANSMIT : RECEIVE);
            }
          }
          expect(Buffer.compare(second.bytes, first.bytes)).toBe(0);
          expect(Buffer.compare(second.ram.bytes, first.ram.bytes)).toBe(0);
          expect(second.sent).toEqual(first.sent);
        },
      ),
      { numRuns: 60 },
    );
  });
});
