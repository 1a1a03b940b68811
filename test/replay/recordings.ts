import fc from 'fast-check';
import { type MachineConfig, newSettings } from '../../src/ports/config.js';
import type { InputEvent, LoggedEvent } from '../../src/ports/input-event.js';
import type { ByteSink, Checkpoint, Recording, RecordingHeader } from '../../src/replay/recording.js';
import { exportParts } from '../../src/replay/recording-parts.js';

/** Collects what a recorder writes. */
export class MemorySink implements ByteSink {
  readonly parts: Uint8Array[] = [];
  publish(): void {}

  sync(): void {}

  append(bytes: Uint8Array): void {
    this.parts.push(bytes.slice());
  }
  close(): void {}
  get bytes(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.parts));
  }
}

export const CONFIG: MachineConfig = newSettings({
  xlen: 64,
  isa: 'rv64imac_zicntr_zicsr_zifencei',
  icountShift: 0,
  entry: 0x8000_0000,
  rtcSeconds: 0,
});

export const HEADER: RecordingHeader = {
  config: CONFIG,
  images: [
    { name: 'firmware.elf', address: 0x8000_0000, bytes: Uint8Array.of(0x13, 0, 0, 0, 0x73, 0, 0x10, 0) },
    { name: 'empty', address: 0x9000_0000, bytes: new Uint8Array(0) },
    { name: 'device tree', address: 0x8700_0000, bytes: new Uint8Array(100).fill(0xd0) },
  ],
  writtenBy: 'backstub 0.1.0',
};

/** A copy with plain values, so that recordings can be compared. */
export const plain = ({ header, events, checkpoints, end, extras }: Recording) => ({
  header: {
    ...header,
    images: header.images.map(({ byteLength: _, bytes, ...image }) => ({ ...image, bytes })),
    ...(header.start && { start: { ...header.start, pages: [...header.start.pages] } }),
  },
  events: [...events],
  checkpoints: [...checkpoints].map(({ icount, digests, state }) => ({ icount, digests, state })),
  end,
  ...(extras && { extras: extras.map(({ type, content }) => ({ type, content })) }),
});

/** What `export` writes, by path. */
export const partsInMemory = (recording: Recording) =>
  new Map(
    exportParts(recording).map(({ path, pieces }) => [path, new Uint8Array(Buffer.concat([...pieces]))]),
  );

export const typed = (icount: number, text: string): LoggedEvent => ({
  icount,
  event: { kind: 'console', port: 0, bytes: new TextEncoder().encode(text) },
});

export const checkpointAt = (icount: number, seed: number, stateBytes = 64): Checkpoint => ({
  icount,
  digests: { hart0: digest(seed), uart0: digest(7), ram: digest(seed * 31) },
  state: Uint8Array.from({ length: stateBytes }, (_, i) => (i % 5 === 0 ? seed + i : i)),
});

export const digest = (seed: number): string =>
  (Math.imul(seed, 0x9e3779b1) >>> 0).toString(16).padStart(16, '0');

const bytes = fc.uint8Array({ maxLength: 40 }).map(value => Uint8Array.from(value));
const hexDigits = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map(value => Array.from(value, byte => byte.toString(16).padStart(2, '0')).join(''));
const upTo53Bits = fc.oneof(fc.nat(300), fc.maxSafeNat());

/** One arbitrary for each kind: a kind without one does not compile. */
const eventKinds: { [K in InputEvent['kind']]: fc.Arbitrary<Extract<InputEvent, { kind: K }>> } = {
  console: fc.record({ kind: fc.constant('console'), port: fc.nat(9), bytes }),
  input: fc.record({
    kind: fc.constant('input'),
    device: fc.nat(7),
    type: fc.nat(0x1f),
    code: fc.nat(0xffff),
    value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  }),
  'audio-in': fc.record({ kind: fc.constant('audio-in'), bytes }),
  block: fc.record({ kind: fc.constant('block'), disk: fc.nat(7), request: fc.nat() }),
  entropy: fc.record({ kind: fc.constant('entropy'), bytes }),
  network: fc.record({ kind: fc.constant('network'), port: fc.nat(9), bytes }),
  semihosting: fc.record({
    kind: fc.constant('semihosting'),
    hart: fc.nat(7),
    call: fc.nat(0x31),
    errno: fc.nat(133),
    value: upTo53Bits,
    bytes,
  }),
  shutdown: fc.record({
    kind: fc.constant('shutdown'),
    cause: fc.constantFrom('host-signal', 'host-quit', 'monitor'),
  }),
  reset: fc.record({ kind: fc.constant('reset'), cause: fc.constantFrom('monitor', 'script') }),
  warp: fc.record({ kind: fc.constant('warp'), ns: upTo53Bits }),
  'write-register': fc.record({
    kind: fc.constant('write-register'),
    hart: fc.nat(7),
    register: fc.nat(5000),
    bytes,
  }),
  'write-memory': fc.record({
    kind: fc.constant('write-memory'),
    hart: fc.nat(7),
    address: hexDigits,
    bytes,
  }),
};

export const event: fc.Arbitrary<InputEvent> = fc.oneof(...Object.values(eventKinds));

/** What a recorder does, with the distance to the icount before. */
export type Action =
  | { readonly do: 'event'; readonly gap: number; readonly event: InputEvent }
  | { readonly do: 'checkpoint'; readonly gap: number; readonly checkpoint: Omit<Checkpoint, 'icount'> }
  | { readonly do: 'progress'; readonly gap: number }
  | { readonly do: 'flush'; readonly gap: 0 };

const gap = fc.oneof(fc.constant(0), fc.nat(200), fc.integer({ min: 0, max: 2 ** 44 }));
const checkpoint = fc.record({
  digests: fc.dictionary(fc.stringMatching(/^[a-z]{1,6}[0-9]?$/), hexDigits, { maxKeys: 10 }),
  state: fc.oneof(fc.constant(new Uint8Array(200)), bytes),
});

export const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('event' as const), gap, event }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('checkpoint' as const), gap, checkpoint }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('progress' as const), gap }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const), gap: fc.constant(0 as const) }) },
  ),
  { maxLength: 60 },
);
