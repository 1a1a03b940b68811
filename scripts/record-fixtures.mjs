#!/usr/bin/env node
// Writes fixtures/recordings/vN.bst and vN-signal.bst, N being the present format version: a small recording with inputs of every kind
// that starts with a machine in the middle of its work, made on a host whose time and randomness are scripted. Once the version is released its file is never written again:
// it shows that later versions still read and replay it. Needs dist/ (npm run build). Usage: node scripts/record-fixtures.mjs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryConsole } from '../dist/api/memory-console.js';
import { bootSession, continuedSession } from '../dist/assembly/session.js';
import { saveMoment } from '../dist/machine/saved-machine.js';
import { FORMAT_VERSION, OPTIONAL_CHUNKS } from '../dist/replay/format.js';
import { readRecording } from '../dist/replay/recording-reader.js';
import { writeRecording } from '../dist/replay/recording-writer.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const MIB = 2 ** 20;
const MS_PER_LOOK = 8;
const FIRST_STEPS = 100_000;

let nowMs = 0;
const whenWorkIsDone = [];
const clock = {
  nowMs() {
    nowMs += MS_PER_LOOK;
    for (const done of whenWorkIsDone.splice(0)) done();
    return nowMs;
  },
  async sleep(ms) {
    nowMs += Math.min(ms, 1);
    await null;
  },
};
let random = 1;
const nextByte = () => {
  random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
  return random >>> 24;
};
const bytes = length => Uint8Array.from({ length }, nextByte);

let receive = () => {};
const host = {
  console: new MemoryConsole(),
  virtioConsole: new MemoryConsole(),
  network: {
    send() {},
    onReceive(listener) {
      receive = listener;
    },
    close() {},
  },
  sound: { play() {}, capture: length => bytes(length), close() {} },
  blocks: { start: (_disk, _offset, _length, done) => whenWorkIsDone.push(done) },
  clock,
  random: bytes,
};
const elf = 'fixtures/rv64/devices.elf';
const first = bootSession(
  { name: 'devices.elf', bytes: readFileSync(join(root, elf)) },
  {
    clock: 'realtime',
    config: {
      cpu: 'rv64gc_zkr',
      harts: 2,
      ramBytes: 2 * MIB,
      entropy: 'host',
      rng: true,
      virtioConsole: true,
      inputs: ['keyboard', 'mouse', 'tablet'],
      sound: 'duplex',
      diskAsync: true,
      network: true,
      append: 'fixture',
    },
    disks: [{ name: 'disk.img', sectors: 64, extents: [{ offset: 512, bytes: bytes(700) }] }],
  },
  host,
);
first.typeConsole(new TextEncoder().encode('early'), 1);
// A moment with a request to the disk in flight, and pages of it changed.
do {
  first.stopAtIcount(first.machine.icount + FIRST_STEPS);
  await first.resume({ kind: 'continue', direction: 'forward' });
} while (first.machine.icount < 4 * FIRST_STEPS || !first.machine.awaitsHost);
const start = saveMoment(first.machine, 'started');
const { config, images } = first.source;
first.close();

const pieces = [];
const session = continuedSession({ header: { config, images } }, start, { clock: 'realtime' }, host);
session.record(sinkInto(pieces));

const register = name => {
  const found = session.description.features.flatMap(feature => feature.registers).find(r => r.name === name);
  if (found === undefined) throw new Error(`no register ${name}`);
  return found.number;
};
const text = value => new TextEncoder().encode(value);
const broadcast = Uint8Array.from({ length: 60 }, (_, i) => (i < 6 ? 0xff : i));
const disturbances = [
  () => session.typeConsole(text('serial\r')),
  () => session.typeConsole(text('virtio'), 1),
  () => session.input.sendKey('shift-a'),
  () => session.input.moveMouse(5, -7, 1),
  () => session.input.moveTablet(100, 32_000),
  () => receive(broadcast),
  () => session.writeRegister(0, register('mscratch'), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)),
  () => session.writeMemory(0, 0x8010_0000n, Uint8Array.of(0xab)),
  () => session.reset('monitor'),
  () => session.typeConsole(text('again'), 1),
];
for (const disturb of disturbances) {
  session.stopAtIcount(session.machine.icount + 150_000);
  await session.resume({ kind: 'continue', direction: 'forward' });
  disturb();
}
session.stopAtIcount(session.machine.icount + 200_000);
await session.resume({ kind: 'continue', direction: 'forward' });
session.requestShutdown('host-quit');
await session.runToEnd({});
session.close();

/** Chunks that a reader may pass over: one of a type that has a name, and one that none has yet. */
const extras = [
  { type: OPTIONAL_CHUNKS.symbols, content: text('\u0001not read yet') },
  { type: 62, content: text('\u0001of moments, not known yet') },
];
const whole = readRecording(new Uint8Array(Buffer.concat(pieces)));
const kinds = [...new Set([...whole.events].map(({ event }) => event.kind))].sort();
save(`v${FORMAT_VERSION}`, { ...whole, extras }, `inputs: ${kinds.join(', ')}`);

// One that a signal ended.
const ended = [];
const computing = bootSession(
  { name: 'compute.elf', bytes: readFileSync(join(root, 'fixtures/rv64/compute.elf')) },
  { clock: 'virtual', config: { ramBytes: 2 * MIB } },
  { console: new MemoryConsole(), clock },
);
computing.record(sinkInto(ended));
computing.stopAtIcount(FIRST_STEPS);
await computing.resume({ kind: 'continue', direction: 'forward' });
computing.endBy({ kind: 'signal', signal: 15 });
computing.close();
save(`v${FORMAT_VERSION}-signal`, readRecording(new Uint8Array(Buffer.concat(ended))), 'ended by a signal');

function sinkInto(pieces) {
  return { append: piece => pieces.push(piece.slice()), publish() {}, sync() {}, close() {} };
}

function save(name, recording, what) {
  const parts = [];
  writeRecording(sinkInto(parts), recording);
  const path = join(root, 'fixtures/recordings', `${name}.bst`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.concat(parts));
  console.log(`${path}: ${Buffer.concat(parts).length} bytes, ${recording.end.icount} steps, ${what}`);
}
