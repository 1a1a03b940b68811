import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PACKETS } from '../../src/gdb/rsp/packets.js';
import { CounterTarget } from './counter-target.js';
import { connect, hex, packet } from './wire.js';

const HOSTILE = [
  'm0,ffffffffffffffff',
  'mffffffffffffffff,ffffffffffffffff',
  'xffffffffffffffff,1',
  'X80000000,ffffffff:a',
  'M80001fff,2:0000',
  'Z2,ffffffffffffffff,ffffffffffffffff',
  'Z4,0,ffffffffffffffff',
  'qCRC:ffffffffffffffff,ffffffffffffffff',
  'qSearch:memory:0;ffffffffffffffff;a',
  'qXfer:features:read:target.xml:ffffffffffffffff,ffffffffffffffff',
  'qXfer:threads:read:../../etc/passwd:0,10',
  'pffffffffffffffff',
  'Pffffffffffffffff=00',
  'Tffffffffffffffff',
  'Hgffffffffffffffff',
  'vCont;s:ffffffffffffffff',
  `vCont;${'s:1;'.repeat(1000)}c`,
  'vCont;r80000000,7fffffff:1',
  `vRun;;${hex('99999999999999999999')}`,
  `qRcmd,${hex('goto -1')}`,
  `qRcmd,${hex('goto 1e99')}`,
  `qRcmd,${hex('\u0000\u{1f600}*#$}')}`,
  'qRcmd,ff',
  'z0,80000000,4',
];

const argument = fc.oneof(
  fc.stringMatching(/^[-0-9a-f,;:=]{0,24}$/),
  fc.string({ unit: 'binary', maxLength: 16 }).map(text => Buffer.from(text).toString('latin1')),
);

/** Anything but `k`, which ends the session by right. */
const body = fc
  .oneof(
    fc.constantFrom(...HOSTILE),
    fc
      .tuple(fc.constantFrom(...PACKETS.map(({ prefix }) => prefix)), argument)
      .map(([prefix, rest]) => `${prefix}${rest}`),
    fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString('latin1')),
  )
  .filter(text => text !== 'k' && !/[#$}]/.test(text));

const noise = fc.constantFrom('', '+', '-', '\x03', '$', '$zz', '#', '$m#', '$g#00', '\xff\x00');

describe('hostile debuggers', () => {
  it.each(HOSTILE)('%s is answered', async hostile => {
    const wire = await connect(new CounterTarget({ end: 60 }));
    expect(await wire.ask(hostile)).toMatch(/^(E[0-9a-f]{2}|E\..+|OK|T05.*|[lb].*)$/s);
    expect(await wire.ask('qC')).toBe('QC1');
  });

  it('no packet, however malformed, ends the session or leaves it silent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(noise, body), { maxLength: 12 }), async conversation => {
        const wire = await connect(new CounterTarget({ end: 60, harts: 2 }));
        for (const [before, text] of conversation) {
          wire.sendBytes(before);
          wire.sendBytes(packet(text));
        }
        wire.sendBytes('#00');
        wire.send(`qRcmd,${hex('the end')}`);
        const marker = `O${hex('unknown monitor command "the end"; "monitor help" lists all\n')}`;
        while ((await wire.next()) !== marker);
        expect(await wire.next()).toBe('OK');
        expect(wire.closed).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('the connection may go at any moment of a session', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(body, { maxLength: 8 }), fc.nat(), async (bodies, where) => {
        const target = new CounterTarget({ stalls: true });
        const wire = await connect(target);
        const stream = Buffer.concat([...bodies, 'vCont;c:1'].map(packet));
        wire.sendBytes(stream.subarray(0, where % (stream.length + 1)));
        await new Promise(resolve => setImmediate(resolve));
        wire.session.disconnected();
        await wire.session.finished;
        expect(target.calls.filter(call => /tach/.test(call)).at(-1)).toBe('detach');
        expect(target.breakpoints.size + target.watchpoints.size).toBe(0);
        const next = await connect(target);
        expect(await next.ask('vCont;s:1')).toMatch(/^T05/);
      }),
      { numRuns: 100 },
    );
  });
});
