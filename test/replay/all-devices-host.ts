/** The host's side of a machine with all devices: files, a network, and things that happen at random. */
import { createSocket, type Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DebugSession } from '../../src/api/debug-session.js';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { bootSession } from '../../src/assembly/session.js';
import { hostSeconds, systemClock } from '../../src/host/clock.js';
import { asyncDisks } from '../../src/host/disk/async-disks.js';
import { readDiskImage } from '../../src/host/disk/disk-file.js';
import { HostFiles } from '../../src/host/files/host-files.js';
import { parseFrame, parseIpv4 } from '../../src/host/network/ipv4.js';
import { connectToPeer, listenForPeer } from '../../src/host/network/socket-network.js';
import { openUserNetwork } from '../../src/host/network/user-network.js';
import { hostRandom } from '../../src/host/random.js';
import { openWavSound } from '../../src/host/sound/wav-backend.js';
import { wavHeader } from '../../src/host/sound/wav-format.js';
import type { NetworkBackend } from '../../src/ports/host.js';
import type { Random } from '../lockstep/random.js';
import { arpRequest, echoRequest, GUEST_CARD, ipv4Frame } from '../network/frames.js';
import { fixture } from '../support/sessions.js';

const OWN = 0x0a00_020f;
const GATEWAY = 0x0a00_0202;
const GATEWAY_CARD = Uint8Array.of(2, 0, 0, 0, 0, 9);
const NOISE_TYPE = Uint8Array.of(0x88, 0xb5);
const UDP = 17;
/** Where datagrams to the guest are echoed. */
const ECHO_PORT = 7;

/** What the guest's network device is connected to, and who is at the other end. */
interface Wire {
  readonly backend: NetworkBackend | undefined;
  /** A port of the gateway that echoes datagrams. */
  readonly port: number;
  /** Whoever is there sends something. */
  disturb(random: Random): void;
  /** Nobody is there any more. */
  pull(): void;
}

const NOT_CONNECTED: Wire = { backend: undefined, port: ECHO_PORT, disturb() {}, pull() {} };

/** The host's loopback behind a user-mode network. */
async function userWire(): Promise<Wire> {
  const echo = createSocket('udp4');
  let guest: AddressInfo | undefined;
  echo.on('message', (bytes, from) => {
    guest = from as unknown as AddressInfo;
    echo.send(bytes, from.port, from.address);
  });
  await bound(echo);
  const backend = await openUserNetwork([]);
  let open = true;
  return {
    backend,
    port: echo.address().port,
    disturb(random) {
      if (guest === undefined || !open) return;
      for (let i = 1 + random.below(4); i > 0; i--)
        echo.send(random.bytes(1 + random.below(3000)), guest.port, guest.address);
    },
    pull() {
      if (open) echo.close();
      open = false;
      backend.close();
    },
  };
}

const bound = (socket: Socket) => new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));

/** A TCP connection to a peer that answers ARP, echoes datagrams, and sends whatever it likes. */
async function socketWire(): Promise<Wire> {
  const backend = await listenForPeer({ host: '127.0.0.1', port: 0 }, () => {});
  const peer = await connectToPeer({ host: '127.0.0.1', port: backend.port }, () => {});
  const self = { card: GATEWAY_CARD, address: GATEWAY };
  peer.onReceive(bytes => {
    const frame = parseFrame(bytes);
    if (frame === undefined) return;
    const packet = parseIpv4(frame.payload);
    // As if asking: from that, too, the guest learns where the gateway is.
    if (packet === undefined) peer.send(arpRequest(self, OWN));
    else if (packet.protocol === UDP) {
      const payload = packet.payload.slice();
      payload.copyWithin(0, 2, 4);
      payload.set(packet.payload.subarray(0, 2), 2);
      peer.send(ipv4Frame(self, GUEST_CARD, OWN, UDP, payload));
    }
  });
  return {
    backend,
    port: ECHO_PORT,
    disturb(random) {
      for (let i = 1 + random.below(8); i > 0; i--) peer.send(anyFrame(random));
    },
    pull() {
      peer.close();
      backend.close();
    },
  };
}

function anyFrame(random: Random): Uint8Array {
  const from = { card: GATEWAY_CARD, address: GATEWAY };
  switch (random.below(4)) {
    case 0:
      return arpRequest(from, OWN);
    case 1: {
      const noise = random.bytes(20 + random.below(1480));
      noise.set(GUEST_CARD);
      noise.set(NOISE_TYPE, 12);
      return noise;
    }
    case 2: {
      const datagram = random.bytes(8 + random.below(1000));
      datagram.set([0, ECHO_PORT], 2);
      datagram.set([datagram.length >> 8, datagram.length & 0xff, 0, 0], 4);
      return ipv4Frame(from, GUEST_CARD, OWN, UDP, datagram);
    }
    default:
      return echoRequest(from, OWN, random.below(0x1_0000), random.bytes(random.below(1400)));
  }
}

/** 16-bit stereo noise at 44.1 kHz, as a WAV file. */
function noise(path: string, random: Random): void {
  const samples = random.bytes(40_000);
  writeFileSync(path, Buffer.concat([wavHeader({ rate: 44_100, channels: 2 }, samples.length), samples]));
}

/** A machine that is recorded, and all that it is built from and connected to. */
export interface World {
  readonly session: DebugSession;
  readonly recording: string;
  /** What this round chose, for messages. */
  readonly choice: string;
  readonly wire: Wire;
  close(): void;
}

/** A machine with all devices, chosen by `random`; its files are in `folder`. */
export async function openWorld(random: Random, folder: string): Promise<World> {
  const width = random.pick(['rv64', 'rv64', 'rv32'] as const);
  const net = random.pick(['user', 'socket', 'socket', 'none'] as const);
  const clock = random.pick(['virtual', 'virtual', 'virtual', 'realtime'] as const);
  const options = {
    cpu: `${width}gc_zkr`,
    harts: 1 + random.below(3),
    rng: true,
    virtioConsole: true,
    inputs: ['keyboard', 'mouse', 'tablet'],
    sound: 'duplex',
    diskAsync: random.chance(70),
    network: true,
    entropy: random.chance(50) ? 'host' : undefined,
    entropySeed: random.below(1000),
    virtio: random.pick(['legacy', 'modern'] as const),
    rtcSeconds: random.chance(50) ? hostSeconds() : undefined,
    ramBytes: 16 << 20,
  } as const;
  const files = {
    disk: join(folder, 'disk.img'),
    sound: join(folder, 'in.wav'),
    run: join(folder, 'run.bst'),
  };
  writeFileSync(files.disk, random.bytes(65_536));
  noise(files.sound, random);
  const wire = net === 'user' ? await userWire() : net === 'socket' ? await socketWire() : NOT_CONNECTED;
  const console = new MemoryConsole();
  const virtioConsole = new MemoryConsole();
  const sound = openWavSound({ input: files.sound, output: undefined }, new HostFiles(), () => {});
  const firmware = fixture(width, 'devices');
  const timeline = bootSession(
    { name: firmware, bytes: new HostFiles().read(firmware, 'firmware') },
    {
      config: options,
      disks: [readDiskImage(new HostFiles(), files.disk, 'disk')],
      clock,
      snapshotIntervalSteps: 20_000 + random.below(200_000),
      jit: random.chance(80),
    },
    {
      console,
      virtioConsole,
      clock: systemClock,
      random: hostRandom,
      sound,
      network: wire.backend,
      blocks: asyncDisks([files.disk]),
    },
  );
  const file = new HostFiles().create(files.run, 'recording');
  timeline.record(file);
  const session = new DebugSession(timeline, console, virtioConsole, [
    () => timeline.close(),
    () => sound.close(),
    () => file.close(),
  ]);
  return {
    session,
    recording: files.run,
    choice: `${net} network, ${clock} clock, ${JSON.stringify(options)}`,
    wire,
    close: () => {
      session.close();
      wire.pull();
    },
  };
}

/** None is the q that ends the firmware. */
const lettersOf = (random: Random, length: number) =>
  Array.from({ length }, () => random.pick([...'abcdefgh \n'])).join('');

/** Does something to one of the machine's devices, or to the machine. */
export async function disturb({ session, wire }: World, random: Random): Promise<void> {
  switch (random.below(13)) {
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
    case 8:
      session.setMemory('udp_port', Uint8Array.of(wire.port & 0xff, wire.port >> 8));
      break;
    case 9:
    case 10:
      wire.disturb(random);
      // What was sent arrives in a turn of the event loop.
      await new Promise(resolve => setImmediate(resolve));
      break;
    case 11:
      await session.seek(random.below(session.icount + 1));
      await session.seek('end');
      break;
    default:
      if (random.below(6) === 0) session.target.reset(random.pick(['script', 'monitor']));
      else if (random.below(20) === 0) wire.pull();
  }
}
