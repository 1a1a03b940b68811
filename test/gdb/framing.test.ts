import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressRuns, type FrameEvent, FrameParser, PACKET_SIZE } from '../../src/gdb/rsp/framing.js';
import { encodeReply } from '../../src/gdb/rsp/reply.js';
import { packet, takeItems, unescapeBinary } from './wire.js';

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const bytes = (text: string) => Buffer.from(text, 'latin1');

/** The start of a session of gdb 13.1, as recorded, with an interrupt and a binary write added. */
const RECORDED = Buffer.concat([
  bytes('+'),
  packet('qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;xmlRegisters=i386;vContSupported+'),
  bytes('+'),
  packet('vMustReplyEmpty'),
  bytes('+'),
  packet('QStartNoAckMode'),
  bytes('+'),
  packet('Hg0'),
  packet('qXfer:features:read:target.xml:0,fffb'),
  packet('m80000000,40'),
  packet('vCont;c:1'),
  bytes('\x03'),
  packet('X80001000,4:}\x03}\x04}]a'),
  packet('bc'),
  bytes('-\x03'),
]);

function describeEvent(event: FrameEvent): string {
  return event.kind === 'packet' ? `packet ${latin1(event.body)}` : event.kind;
}

function parse(chunks: readonly Uint8Array[]): string[] {
  const parser = new FrameParser();
  return chunks.flatMap(chunk => parser.feed(chunk)).map(describeEvent);
}

describe('frame parser', () => {
  const whole = parse([RECORDED]);

  it('finds packets, acknowledgements and interrupts, unescaped', () => {
    expect(whole).toHaveLength(16);
    expect(whole.slice(-6)).toEqual([
      'packet vCont;c:1',
      'interrupt',
      'packet X80001000,4:#$}a',
      'packet bc',
      'nak',
      'interrupt',
    ]);
  });

  it('finds the same when the stream is cut at any byte', () => {
    for (let cut = 0; cut <= RECORDED.length; cut++) {
      expect(parse([RECORDED.subarray(0, cut), RECORDED.subarray(cut)])).toEqual(whole);
    }
    expect(parse([...RECORDED].map(byte => Uint8Array.of(byte)))).toEqual(whole);
  });

  it('finds the same under any cutting', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(RECORDED.length)), cuts => {
        const edges = [0, ...cuts.sort((a, b) => a - b), RECORDED.length];
        const chunks = edges.slice(1).map((edge, index) => RECORDED.subarray(edges[index], edge));
        expect(parse(chunks)).toEqual(whole);
      }),
    );
  });

  it('never throws, and recovers on the next frame unless the stream is foreign', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), noise => {
        const parser = new FrameParser();
        const before = parser.feed(Buffer.concat([bytes('+'), noise])).at(-1);
        parser.feed(bytes('#00')); // ends a body the noise may have begun
        const events = parser.feed(Buffer.concat([bytes('xx'), packet('g')])).map(describeEvent);
        if (before?.kind !== 'foreign' && !/[\r\n]/.test(latin1(noise)) && noise.length < 60) {
          expect(events.at(-1)).toBe('packet g');
        }
      }),
    );
  });

  it.each(['', 'xx', '#', '$zz', '$m#', '$m#0', '$g#00', '\xff\x00'])(
    'skips %j between packets, as gdbserver does',
    noise => {
      expect(parse([packet('qC'), bytes(noise), packet('g')]).at(-1)).toBe('packet g');
    },
  );

  const head = 'Host: 127.0.0.1:1234\r\nOrigin: https://evil.example\r\n\r\n';
  const smuggled = packet('qRcmd,00').toString('latin1');
  it.each([
    ['a form', `POST / HTTP/1.1\r\n${head}${smuggled}`],
    ['a name that is rebound', `GET / HTTP/1.1\r\n${head}${smuggled}`],
    ['a WebSocket', `GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n${head}${smuggled}`],
    ['TLS', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${smuggled}`],
    ['TURN', `\x00\x03\x00\x08!\x12\xa4B${smuggled}`],
    ['mail', `EHLO evil.example\r\n${smuggled}`],
    ['a line end first', `\r\n${smuggled}`],
    ['a space first', ` ${smuggled}`],
    ['a method that begins with +', `+ / HTTP/1.1\r\n${head}${smuggled}`],
    ['a method that begins with -', `-x / HTTP/1.1\r\n${head}${smuggled}`],
    ['a method that begins with $', `$ / HTTP/1.1\r\n${head}${smuggled}`],
    ['a method like a packet of binary data', `$X / HTTP/1.1\r\n${head}${smuggled}`],
    ['a method like a search', `$qSearch / HTTP/1.1\r\n${head}${smuggled}`],
    ['a frame with a wrong checksum around lines', `$a\r\nb#00${smuggled}`],
    ['a frame with lines that is begun anew', `$5\r\nhello\r\n${smuggled}`],
    ['a right checksum around a head', `${packet(` / HTTP/1.1\r\n${head}`).toString('latin1')}${smuggled}`],
    ['a method longer than a packet', `$${'A'.repeat(PACKET_SIZE + 9)} / HTTP/1.1\r\n${head}${smuggled}`],
    ['lines between packets', `+\r\n${smuggled}`],
    ['much between packets', `+${'x'.repeat(100)}${smuggled}`],
  ])('nothing is smuggled in by %s', (_, stream) => {
    const whole = parse([bytes(stream)]);
    expect(whole.at(-1)).toBe('foreign');
    expect(whole).not.toContain('packet qRcmd,00');
    expect(parse([...bytes(stream)].map(byte => Uint8Array.of(byte)))).toEqual(whole);
  });

  it('what is a debugger ends when it turns into HTTP', () => {
    const stream = `${packet('qC')}POST / HTTP/1.1\r\n${head}${smuggled}`;
    expect(parse([bytes(stream)])).toEqual(['packet qC', 'foreign']);
  });

  it.each(['X80001000,10:HTTP/1.1\r\n\r\n!!!', 'qSearch:memory:80000000;1000;GET / HTTP/1.1\r\n'])(
    '%j is binary data and no foreign stream',
    body => {
      expect(parse([packet(body), packet('g')])).toEqual([`packet ${body}`, 'packet g']);
    },
  );

  it.each(['$g#00', '$g#zz', '$g#6', '$}g#67'])('%j is no good frame', text => {
    expect(parse([bytes(`${text}00`)])).not.toContain('packet g');
  });

  it.each(['$m80#D5', '$m80#d5', '$mjk#42', '$ko#DA', '$ko#dA', '$ko#Da'])(
    'takes the checksum of %j',
    text => {
      expect(parse([bytes(text)])).toEqual([`packet ${text.slice(1, -3)}`]);
    },
  );

  it('tells a wrong checksum', () => {
    expect(parse([bytes('$g#68')])).toEqual(['bad-checksum']);
  });

  it('begins anew at a bare dollar sign', () => {
    expect(parse([bytes('$m1000'), packet('g')])).toEqual(['packet g']);
  });

  it('takes a packet of PacketSize and drops a longer one', () => {
    const largest = 'M'.repeat(PACKET_SIZE);
    expect(parse([packet(largest)])).toEqual([`packet ${largest}`]);
    expect(parse([packet(`${largest}M`), packet('g')])).toEqual(['too-long', 'packet g']);
  });
});

describe('replies', () => {
  it('carry any data in hex, compressed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 300 }))), runs => {
        const data = Buffer.concat(runs.map(([byte, count]) => Buffer.alloc(count, byte)));
        const frame = latin1(encodeReply({ kind: 'data', bytes: data }));
        expect(takeItems(frame)).toEqual({ items: [`$${data.toString('hex')}`], rest: '' });
      }),
    );
  });

  it('compress 33 zero registers to a tenth', () => {
    const frame = encodeReply({ kind: 'data', bytes: new Uint8Array(264) });
    expect(frame.length).toBeLessThan(52);
    expect([...compressRuns(bytes('0'.repeat(200)))].every(byte => byte >= 32 && byte <= 126)).toBe(true);
  });

  it.each([3, 4, 5, 6, 7, 8, 97, 98, 99])('use no frame character as the count of a run of %i', length => {
    const packed = latin1(compressRuns(bytes('0'.repeat(length))));
    expect(packed).not.toMatch(/[#$]/);
    expect(takeItems(packet(packed).toString('latin1')).items).toEqual([`$${'0'.repeat(length)}`]);
  });

  it('carry any binary data, escaped and never compressed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), data => {
        const [item] = takeItems(latin1(encodeReply({ kind: 'binary', prefix: 'b', bytes: data }))).items;
        expect(unescapeBinary(item!)).toBe(`$b${latin1(data)}`);
      }),
    );
  });

  it('keep error texts from breaking the frame', () => {
    const frame = latin1(encodeReply({ kind: 'error', code: 1, text: 'CPU#0 {*} costs $5\nnow' }));
    expect(takeItems(frame).items).toEqual(['$E.CPU_0 {__ costs _5 now']);
  });
});
