import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/ports/bytes-text.js';
import {
  type EventField,
  type EventKind,
  INPUT_EVENTS,
  type InputEvent,
} from '../../src/ports/input-event.js';
import { ByteReader, ByteWriter } from '../../src/replay/byte-codec.js';
import { decodeEvent, encodeEvent } from '../../src/replay/event-codec.js';
import { eventJson, parseEventJson } from '../../src/replay/event-json.js';

/** As released: these bytes stand in files. */
const RELEASED: readonly (readonly [InputEvent, string])[] = [
  [{ kind: 'console', port: 1, bytes: Uint8Array.of(0x61, 0x62) }, '0101026162'],
  [{ kind: 'shutdown', cause: 'host-signal' }, '0201'],
  [{ kind: 'shutdown', cause: 'host-quit' }, '0202'],
  [{ kind: 'shutdown', cause: 'monitor' }, '0203'],
  [{ kind: 'reset', cause: 'monitor' }, '0301'],
  [{ kind: 'reset', cause: 'script' }, '0302'],
  [{ kind: 'warp', ns: 300 }, '04ac02'],
  [
    { kind: 'write-register', hart: 2, register: 4161, bytes: Uint8Array.of(9, 8, 7, 6) },
    '0502c1200409080706',
  ],
  [
    { kind: 'write-memory', hart: 1, address: 'ffffffff80000010', bytes: Uint8Array.of(5) },
    '06010190808080080105',
  ],
  [{ kind: 'network', port: 0, bytes: Uint8Array.of(1, 2, 3) }, '070003010203'],
  [{ kind: 'entropy', bytes: Uint8Array.of() }, '0800'],
  [{ kind: 'input', device: 1, type: 3, code: 0x110, value: -2 }, '0901039002feffffff0f'],
  [{ kind: 'audio-in', bytes: Uint8Array.of(0x80) }, '0a0180'],
  [{ kind: 'block', disk: 7, request: 128 }, '0b078001'],
  [
    { kind: 'semihosting', hart: 1, call: 6, errno: 0, value: 300, bytes: Uint8Array.of(7, 8) },
    '0c010600ac02020708',
  ],
];

function encoded(event: InputEvent): Uint8Array {
  const out = new ByteWriter();
  encodeEvent(out, event);
  return out.take();
}

/** Any value of a field, its limits often. */
function anyValueOf({ encoding, numbers, is }: EventField<unknown>): fc.Arbitrary<unknown> {
  const whole = [
    0,
    1,
    127,
    128,
    0xffff,
    0x10000,
    2 ** 31 - 1,
    2 ** 31,
    -1,
    -(2 ** 31),
    Number.MAX_SAFE_INTEGER,
  ];
  const values = {
    varint: fc.constantFrom(...whole),
    'signed-32': fc.constantFrom(...whole),
    address: fc
      .array(fc.constantFrom(...'0123456789abcdef'), { minLength: 16, maxLength: 16 })
      .map(d => d.join('')),
    block: fc.uint8Array({ maxLength: 200 }),
    cause: fc.constantFrom(undefined, ...(numbers?.keys() ?? [])),
  };
  return (values[encoding] as fc.Arbitrary<unknown>).filter(value => is(value));
}

const KINDS = Object.keys(INPUT_EVENTS) as EventKind[];
const eventOf = (kind: EventKind) =>
  fc
    .record(
      Object.fromEntries(
        Object.entries<EventField<unknown>>(INPUT_EVENTS[kind].fields).map(([name, f]) => [
          name,
          anyValueOf(f),
        ]),
      ),
    )
    .map(fields => ({ kind, ...fields }) as InputEvent);

test.each(RELEASED)('%j stands in a recording as it always has', (event, bytes) => {
  expect(toHex(encoded(event))).toBe(bytes);
  expect(decodeEvent(new ByteReader(encoded(event)))).toEqual(event);
});

test('each kind is among those', () => {
  expect(new Set(RELEASED.map(([{ kind }]) => kind))).toEqual(new Set(KINDS));
});

describe.each(KINDS)('%s', kind => {
  test('comes back from bytes and from JSON, whatever its fields hold', () => {
    fc.assert(
      fc.property(eventOf(kind), event => {
        const from = new ByteReader(encoded(event));
        expect(decodeEvent(from)).toEqual(event);
        from.finish();
        const json = eventJson({ icount: 7, event });
        const again = parseEventJson(JSON.parse(json));
        expect(again).toEqual({ icount: 7, event });
        expect(eventJson(again)).toBe(json);
      }),
    );
  });

  test('is refused as JSON without a field, with one more, or with one that is no value of it', () => {
    fc.assert(
      fc.property(eventOf(kind), fc.nat(), fc.constantFrom(null, 0.5, -1, 'x', {}), (event, at, wrong) => {
        const {
          kind: _,
          icount: _1,
          ...fields
        } = JSON.parse(eventJson({ icount: 7, event })) as object as {
          kind: string;
          icount: number;
          [name: string]: unknown;
        };
        const names = Object.keys(fields);
        const name = names[at % names.length];
        const { [name]: _2, ...fewer } = fields;
        const refused = [fewer, { ...fields, more: 1 }];
        const field = (INPUT_EVENTS[kind].fields as Record<string, EventField<unknown>>)[name];
        if (!field.is(wrong)) refused.push({ ...fields, [name]: wrong });
        for (const each of refused)
          expect(() => parseEventJson({ icount: 7, kind, ...each })).toThrow('that a recording can hold');
      }),
    );
  });
});
