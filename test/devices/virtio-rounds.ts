import fc from 'fast-check';
import type { VirtioVersion } from '../../src/devices/virtio/mmio-registers.js';
import { RAM_BASE } from './virtio-rig.js';

/** Where the driver of these tests keeps things, as offsets in RAM. */
export const QUEUE_SIZE = 8;
const TABLE = 0x1000;
const AVAILABLE = TABLE + 16 * QUEUE_SIZE;
const USED = 0x2000;
const INDIRECT = 0x3000;
export const BUFFERS = 0x4000;
export const RAM_BYTES = 0x8000;
export const DISK_BYTES = 64 * 512;

export const REGISTER = {
  deviceFeaturesSelect: 0x14,
  driverFeatures: 0x20,
  driverFeaturesSelect: 0x24,
  guestPageSize: 0x28,
  queueSelect: 0x30,
  queueSize: 0x38,
  queueAlign: 0x3c,
  queuePage: 0x40,
  queueReady: 0x44,
  notify: 0x50,
  interruptStatus: 0x60,
  interruptAck: 0x64,
  status: 0x70,
  desc: 0x80,
  avail: 0x90,
  used: 0xa0,
  generation: 0xfc,
} as const;

const EVENT_INDEX = 1 << 29;
const INDIRECT_FEATURE = 1 << 28;

export interface Descriptor {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  readonly next: number;
}

/** One thing that the driver does: puts descriptors and what they point at, then a head into the ring, and notifies. */
export interface Round {
  readonly header: Uint8Array;
  readonly descriptors: readonly Descriptor[];
  /** The chain stands in a table of its own. */
  readonly indirect: boolean;
  readonly indirectBytes: number;
  readonly head: number;
  /** How far the ring's index moves. */
  readonly advance: number;
  readonly noInterrupt: boolean;
  readonly usedEvent: number;
}

export interface Setup {
  readonly eventIndex: boolean;
}

type Write = readonly [register: number, value: number];

/** The register writes that set the device up. */
export function setUp(version: VirtioVersion, { eventIndex }: Setup): Write[] {
  const features = (eventIndex ? EVENT_INDEX : 0) | INDIRECT_FEATURE;
  const at = (offset: number) => RAM_BASE + offset;
  const start: Write[] = [
    [REGISTER.status, 0],
    [REGISTER.status, 3],
    [REGISTER.driverFeaturesSelect, 0],
    [REGISTER.driverFeatures, features],
  ];
  if (version === 'legacy') {
    return [
      ...start,
      [REGISTER.guestPageSize, 4096],
      [REGISTER.queueSelect, 0],
      [REGISTER.queueSize, QUEUE_SIZE],
      [REGISTER.queueAlign, 4096],
      [REGISTER.queuePage, at(TABLE) / 4096],
      [REGISTER.status, 7],
    ];
  }
  return [
    ...start,
    [REGISTER.driverFeaturesSelect, 1],
    [REGISTER.driverFeatures, 1],
    [REGISTER.status, 11],
    [REGISTER.queueSelect, 0],
    [REGISTER.queueSize, QUEUE_SIZE],
    ...([TABLE, AVAILABLE, USED] as const).flatMap((offset, i): Write[] => [
      [[REGISTER.desc, REGISTER.avail, REGISTER.used][i], at(offset)],
      [[REGISTER.desc, REGISTER.avail, REGISTER.used][i] + 4, 0],
    ]),
    [REGISTER.queueReady, 1],
    [REGISTER.status, 15],
  ];
}

/** The bytes a round puts into memory: [offset, bytes] each. `index` is the ring's index before it. */
export function memoryOf(round: Round, index: number): [offset: number, bytes: Uint8Array][] {
  const table = new DataView(new ArrayBuffer(16 * Math.max(QUEUE_SIZE, round.descriptors.length)));
  for (const [i, { address, length, flags, next }] of round.descriptors.entries()) {
    table.setUint32(16 * i, address, true);
    table.setUint32(16 * i + 8, length, true);
    table.setUint16(16 * i + 12, flags, true);
    table.setUint16(16 * i + 14, next, true);
  }
  const direct = new DataView(new ArrayBuffer(16 * QUEUE_SIZE));
  if (round.indirect) {
    direct.setUint32(0, RAM_BASE + INDIRECT, true);
    direct.setUint32(8, round.indirectBytes, true);
    direct.setUint16(12, 4, true);
  }
  const available = new DataView(new ArrayBuffer(6 + 2 * QUEUE_SIZE));
  available.setUint16(0, round.noInterrupt ? 1 : 0, true);
  available.setUint16(2, (index + round.advance) & 0xffff, true);
  for (let i = 0; i < QUEUE_SIZE; i++) available.setUint16(4 + 2 * i, round.head, true);
  available.setUint16(4 + 2 * QUEUE_SIZE, round.usedEvent, true);
  return [
    [BUFFERS, round.header],
    [round.indirect ? INDIRECT : TABLE, new Uint8Array(table.buffer)],
    ...(round.indirect ? [[TABLE, new Uint8Array(direct.buffer)] as [number, Uint8Array]] : []),
    [AVAILABLE, new Uint8Array(available.buffer)],
  ];
}

export const USED_INDEX = USED + 2;

/** A request as drivers make them, now and then with something wrong in it. */
export const rounds: fc.Arbitrary<Round> = fc
  .record({
    type: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(0, 1) },
      { weight: 3, arbitrary: fc.constantFrom(4, 8, 11, 13) },
      { weight: 1, arbitrary: fc.constantFrom(2, 3, 5, 10, 12, 99, 0x8000_0000) },
    ),
    sector: fc.oneof(fc.nat(DISK_BYTES / 512 - 1), fc.constantFrom(60, 63, 64, 65, 1000)),
    pieces: fc.array(fc.constantFrom(512, 1024, 256, 512, 8, 16, 1536), { minLength: 0, maxLength: 3 }),
    statusBytes: fc.constantFrom(1, 1, 1, 1, 5),
    headerCut: fc.constantFrom(16, 16, 16, 8, 4),
    range: fc.record({ sector: fc.nat(70), sectors: fc.nat(9), flags: fc.constantFrom(0, 0, 1, 2) }),
    wrong: fc.oneof(
      { weight: 8, arbitrary: fc.constant('nothing' as const) },
      {
        weight: 5,
        arbitrary: fc.constantFrom(
          'loop',
          'next',
          'zero',
          'outside',
          'order',
          'head',
          'no-status',
          'short-header',
          'indirect-size',
        ),
      },
    ),
    indirect: fc.boolean(),
    noInterrupt: fc.boolean(),
    usedEvent: fc.nat(40),
  })
  .map(choice => {
    const header = new Uint8Array(32);
    const view = new DataView(header.buffer);
    view.setUint32(0, choice.type, true);
    view.setUint32(8, choice.sector, true);
    // Discard and write-zeroes take a range as data.
    const ranged = choice.type === 11 || choice.type === 13;
    if (ranged) {
      view.setUint32(16, choice.range.sector, true);
      view.setUint32(24, choice.range.sectors, true);
      view.setUint32(28, choice.range.flags, true);
    }
    const pieces = ranged ? [choice.pieces[0] === 8 ? 8 : 16] : choice.pieces;
    const filled = (choice.type & 1) === 0;
    const parts: { length: number; write: boolean; at: number }[] = [];
    let at = BUFFERS;
    const part = (length: number, write: boolean) => {
      parts.push({ length, write, at });
      at += length;
    };
    part(choice.headerCut, false);
    if (choice.headerCut < 16 && choice.wrong !== 'short-header') part(16 - choice.headerCut, false);
    for (const length of pieces) part(length, filled && !ranged);
    if (choice.wrong !== 'no-status') part(choice.statusBytes, true);
    if (choice.wrong === 'order') part(16, false);
    const descriptors = parts.map(({ length, write, at: offset }, i) => ({
      address: RAM_BASE + offset,
      length,
      flags: (write ? 2 : 0) | (i < parts.length - 1 ? 1 : 0),
      next: i + 1,
    }));
    const last = descriptors.length - 1;
    if (choice.wrong === 'loop')
      descriptors[last] = { ...descriptors[last], flags: descriptors[last].flags | 1, next: last };
    if (choice.wrong === 'next') descriptors[0] = { ...descriptors[0], flags: 1, next: 77 };
    if (choice.wrong === 'zero') descriptors[last] = { ...descriptors[last], length: 0 };
    if (choice.wrong === 'outside')
      descriptors[last] = { ...descriptors[last], address: 0x4000_0000, length: 8192 };
    const indirectBytes = 16 * descriptors.length - (choice.wrong === 'indirect-size' ? 8 : 0);
    return {
      header,
      descriptors,
      indirect: choice.indirect || choice.wrong === 'indirect-size',
      indirectBytes,
      head: choice.wrong === 'head' ? QUEUE_SIZE : 0,
      advance: 1,
      noInterrupt: choice.noInterrupt,
      usedEvent: choice.usedEvent,
    };
  });
