import { describe, expect, test } from 'vitest';
import { ETHERTYPE } from '../../src/host/network/ipv4.js';
import type { NetworkBackend } from '../../src/ports/host.js';
import { ScriptedHost } from '../laws/scripted-host.js';
import { Random } from '../lockstep/random.js';
import { bootFixture, digestsOf, fixture, MemoryFile, replay } from '../support/sessions.js';
import { arpRequest, echoRequest, GUEST_CARD } from './frames.js';

const ROUNDS = process.env.BACKSTUB_FULL ? 200 : 20;
const OWN = 0x0a01_0001;
const PEER = 0x0a01_0002;
const PEER_CARD = Uint8Array.of(2, 0, 0, 0, 0, 7);

/** A peer that sends whenever the host's script says so, and answers nothing. */
class Peer implements NetworkBackend {
  readonly sent: Uint8Array[] = [];
  receive: (packet: Uint8Array) => void = () => {};
  onSent: (packet: Uint8Array) => void = () => {};

  send(packet: Uint8Array): void {
    this.sent.push(packet.slice());
    this.onSent(packet);
  }
  onReceive(listener: (packet: Uint8Array) => void): void {
    this.receive = listener;
  }
  close(): void {}

  /** A few packets at once: some that the guest answers, and some that are nonsense. */
  burst(random: Random, most: number): void {
    for (let i = 1 + random.below(most); i > 0; i--) this.receive(this.#packet(random));
  }

  #packet(random: Random): Uint8Array {
    const from = { card: PEER_CARD, address: PEER };
    switch (random.below(5)) {
      case 0:
        return arpRequest(from, OWN);
      case 1: {
        const noise = random.bytes(20 + random.below(1480));
        noise.set(GUEST_CARD);
        // Neither ARP nor IPv4.
        noise.set([0x88, 0xb5], 12);
        return noise;
      }
      default:
        return echoRequest(from, OWN, random.below(0x1_0000), random.bytes(random.below(1400)));
    }
  }
}

describe('packets at random moments', () => {
  test.each(Array.from({ length: ROUNDS }, (_, seed) => seed))('round %i replays exactly', async seed => {
    const random = new Random(seed);
    const peer = new Peer();
    const host = new ScriptedHost(seed, 15);
    const live = bootFixture(fixture(seed % 2 === 0 ? 'rv64' : 'rv32', 'net'), {
      network: peer,
      hostClock: host,
      clock: seed % 4 < 2 ? 'realtime' : 'virtual',
      config: { network: true, virtio: seed % 3 === 0 ? 'modern' : 'legacy', ramBytes: 2 << 20 },
      snapshotIntervalSteps: 500 + random.below(20_000),
    });
    const file = new MemoryFile();
    live.session.record(file);
    live.console.answer('net: 52', 'static 10.1.0.1 10.1.0.2\n');
    let bursts = 0;
    host.happens = script => {
      if (!live.console.text.includes('static: address') || bursts === 40) return;
      // From this the guest learns where to send its answers.
      if (bursts === 0) peer.receive(arpRequest({ card: PEER_CARD, address: PEER }, OWN));
      peer.burst(script, bursts % 10 === 9 ? 80 : 6);
      if (++bursts === 40) live.console.type('quit\n');
    };
    const end = await live.session.runToEnd({ maxIcount: 200_000_000 });
    live.session.close();
    expect(end).toEqual({ kind: 'power-off', code: 0 });
    expect(peer.sent.length).toBeGreaterThan(20);

    const recording = file.read();
    const again = replay(recording, { snapshotIntervalSteps: 3000 }).session;
    await again.verify();
    again.attach();
    const last = digestsOf(again);
    for (let i = 0; i < 3; i++) await again.seek(random.below(again.history.end));
    await again.seek('end');
    expect(digestsOf(again)).toEqual(last);
  });
});

test('a flood of 10000 pings: those that the guest has no room for are lost, the rest is answered once', async () => {
  const peer = new Peer();
  const live = bootFixture(fixture('rv64', 'net'), {
    network: peer,
    clock: 'realtime',
    config: { network: true, ramBytes: 2 << 20 },
    snapshotIntervalSteps: 200_000,
  });
  const file = new MemoryFile();
  live.session.record(file);
  live.session.attach();
  live.console.answer('net: 52', 'static 10.1.0.1 10.1.0.2\n');
  const from = { card: PEER_CARD, address: PEER };
  let sequence = 0;
  const batch = () => {
    for (let i = 0; i < 500 && sequence < 10_000; i++) {
      peer.receive(echoRequest(from, OWN, sequence++, Uint8Array.of(1, 2, 3)));
    }
    if (sequence === 10_000) live.console.type('quit\n');
  };
  const answered: number[] = [];
  peer.onSent = packet => {
    const type = (packet[12] << 8) | packet[13];
    if (type === ETHERTYPE.arp && sequence === 0) {
      peer.receive(arpRequest(from, OWN));
      batch();
    }
    const isAnswer = type === ETHERTYPE.ipv4 && packet[34] === 0;
    if (!isAnswer) return;
    answered.push((packet[40] << 8) | packet[41]);
    if (answered.length % 400 === 0) batch();
  };
  // It asks for its peer's card, and is answered with the flood.
  live.console.answer('static: address', 'ping 10.1.0.2 1\n');
  const end = await live.session.runToEnd({ timeoutMs: 50_000 });
  expect(end).toEqual({ kind: 'power-off', code: 0 });
  expect(answered, 'in order, each once').toEqual([...new Set(answered)].toSorted((a, b) => a - b));
  expect(answered.length).toBeGreaterThan(4000);

  const { length } = peer.sent;
  await live.session.seek('start');
  await live.session.seek('end');
  expect(peer.sent.length, 'nothing is sent again').toBe(length);
  live.session.close();
  await replay(file.read()).session.verify();
});
