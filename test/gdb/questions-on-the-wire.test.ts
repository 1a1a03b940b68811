import { describe, expect, it } from 'vitest';
import { TargetError } from '../../src/timeline/debug-target.js';
import { CounterTarget } from './counter-target.js';
import { connect, hex, packet, Wire } from './wire.js';

const GDB = 'swbreak+;vContSupported+;xmlRegisters=i386';
const RAW = 'swbreak+';
const STILL = `$O${hex('still working...\n')}`;
const ask = (command: string) => packet(`qRcmd,${hex(command)}`);
const settled = () => new Promise(resolve => setImmediate(resolve));

/** A target on which going to a moment takes until it is interrupted, or let go. */
function slow() {
  const target = new CounterTarget();
  let go = () => {};
  target.seek = () =>
    new Promise((resolve, reject) => {
      go = resolve;
      target.interrupt = () => reject(new TargetError('interrupted'));
    });
  return { target, arrive: () => go() };
}

const replies = (wire: Wire, from: number) => wire.said.slice(from).filter(item => item.startsWith('$'));

describe('a monitor command that takes long', () => {
  it('says each second that it still works', async () => {
    const { target, arrive } = slow();
    const wire = await connect(target, GDB);
    const from = wire.said.length;
    wire.sendBytes(ask('goto 5'));
    await settled();
    wire.second();
    wire.second();
    expect(replies(wire, from)).toEqual([STILL, STILL]);
    arrive();
    await settled();
    wire.second();
    expect(replies(wire, from)).toHaveLength(4);
    expect(replies(wire, from).at(-1)).toBe('$OK');
  });

  it('ends with what it has and the word interrupted on 0x03, which stops no later resume', async () => {
    const wire = await connect(slow().target, RAW);
    wire.sendBytes(ask('goto 5'));
    await settled();
    wire.interrupt();
    expect(await wire.next()).toBe(`O${hex('goto: interrupted\n')}`);
    expect(await wire.next()).toBe('OK');
    expect(await wire.ask('vCont;s:1')).toMatch(/^T05/);
  });

  it('makes packets wait their turn: a client that sends ahead gets each answer', async () => {
    const { target, arrive } = slow();
    const wire = await connect(target, RAW);
    const from = wire.said.length;
    wire.sendBytes(Buffer.concat([ask('goto 5'), packet('qC'), packet('qAttached')]));
    await settled();
    wire.second();
    wire.send('qC');
    await settled();
    expect(replies(wire, from)).toEqual([STILL]);
    arrive();
    for (let i = 0; i < 5; i++) await wire.next();
    await settled();
    expect(replies(wire, from).slice(2)).toEqual(['$OK', '$QC1', '$1', '$QC1']);
  });

  it('leaves its place to a packet that comes after a 0x03', async () => {
    const wire = await connect(slow().target, RAW);
    const from = wire.said.length;
    wire.sendBytes(ask('goto 5'));
    await settled();
    wire.sendBytes(Buffer.concat([Buffer.from([3]), packet('qC')]));
    expect(await wire.next()).toBe('QC1');
    await settled();
    expect(replies(wire, from)).toEqual(['$QC1']);
  });

  it("leaves its place to gdb's next packet once gdb was shown text: its Ctrl-C sends nothing", async () => {
    const wire = await connect(slow().target, GDB);
    const from = wire.said.length;
    wire.sendBytes(ask('goto 5'));
    await settled();
    wire.second();
    wire.send('qC');
    await settled();
    expect(replies(wire, from)).toEqual([STILL, '$QC1']);
  });

  it('keeps its place when gdb has been shown nothing yet', async () => {
    const { target, arrive } = slow();
    const wire = await connect(target, GDB);
    const from = wire.said.length;
    wire.sendBytes(Buffer.concat([ask('goto 5'), packet('qC')]));
    await settled();
    arrive();
    for (let i = 0; i < 3; i++) await wire.next();
    expect(replies(wire, from).slice(-2)).toEqual(['$OK', '$QC1']);
  });
});

describe('another request that takes long', () => {
  it.each(['vRun;;35', 'R00'])(
    '%s keeps gdb waiting with acknowledgements, which it skips',
    async request => {
      const { target, arrive } = slow();
      const wire = await connect(target, GDB);
      const from = wire.said.length;
      wire.send(request);
      await settled();
      wire.second();
      wire.second();
      expect(wire.said.slice(from)).toEqual(['+', '+']);
      arrive();
      expect(await wire.ask('?')).toMatch(/^T05/);
    },
  );

  it('says nothing to a client that would take it for an answer', async () => {
    const wire = await connect(slow().target, RAW);
    const from = wire.said.length;
    wire.send('vRun;;35');
    await settled();
    wire.second();
    expect(wire.said.slice(from)).toEqual([]);
  });

  it('ends on 0x03, and the answer says so', async () => {
    const wire = await connect(slow().target, `${GDB};error-message+`);
    wire.send('vRun;;35');
    await settled();
    wire.interrupt();
    expect(await wire.next()).toBe('E.interrupted');
    expect(await wire.ask('vCont;s:1')).toMatch(/^T05/);
  });

  it('a search ends on 0x03', async () => {
    const target = new CounterTarget();
    target.memoryPieces = function* () {
      for (;;) yield { length: 2 ** 22, bytes: new Uint8Array(2 ** 22) };
    };
    const wire = await connect(target, 'error-message+');
    wire.send('qSearch:memory:0;ffffffffffff;x');
    await settled();
    wire.interrupt();
    expect(await wire.next()).toBe('E.interrupted');
  });
});

describe('a client that sends more than it waits for', () => {
  it('is answered in order, as the machine runs, and may interrupt behind it all', async () => {
    const wire = await connect(new CounterTarget({ stalls: true }));
    wire.send('c');
    const many = Buffer.concat(Array.from({ length: 1000 }, () => packet('qC')));
    for (let i = 0; i < 20; i++) wire.sendBytes(many);
    wire.interrupt();
    expect(await wire.next()).toMatch(/^T02/);
    for (let i = 0; i < 20_000; i++) {
      if ((await wire.next()) !== 'QC1') throw new Error(`answer ${i} is another`);
    }
  });

  it('is held once too much waits, which ends a run, and is let go on as there is room', async () => {
    const wire = await connect(new CounterTarget({ stalls: true }));
    wire.send('c');
    const large = packet(`_${'x'.repeat(0x1fff0)}`);
    let sent = 0;
    while (!wire.held && sent < 10_000) {
      wire.sendBytes(large);
      sent++;
    }
    expect(sent).toBeLessThan(1000);
    expect(await wire.next()).toMatch(/^T02/);
    for (let i = 0; i < sent; i++) expect(await wire.next()).toBe('');
    expect(wire.held).toBe(false);
  });

  it('a flood of `-` is answered once a piece, not once a byte', async () => {
    const wire = new Wire(new CounterTarget());
    wire.send('g');
    await settled();
    const from = wire.said.length;
    wire.sendBytes('-'.repeat(60_000));
    expect(wire.said.slice(from)).toHaveLength(1);
  });
});
