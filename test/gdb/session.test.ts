import { describe, expect, it } from 'vitest';
import { TargetError } from '../../src/timeline/debug-target.js';
import { CounterTarget } from './counter-target.js';
import { at, connect, hex, packet, register, tail, Wire } from './wire.js';

describe('interrupting', () => {
  it.each(['vCont;c:1', 'c'])('%s gets T02, once, however often it is interrupted', async packet => {
    const wire = await connect(new CounterTarget({ stalls: true }));
    wire.send(packet);
    wire.interrupt();
    wire.interrupt();
    expect(await wire.next()).toMatch(/^T02thread:1;/);
    expect(await wire.ask('qC')).toBe('QC1');
  });

  it('stops a long bc at a consistent place', async () => {
    const target = new CounterTarget({ stalls: true });
    await target.seek('end');
    const wire = await connect(target);
    wire.send('bc');
    wire.interrupt();
    expect(await wire.next()).toMatch(/^T02/);
    const { icount } = target;
    expect(icount).toBeGreaterThan(0);
    expect(await wire.ask('p1000')).toBe(register(BigInt(icount)));
    expect(await wire.ask('p20')).toBe(register(at(icount % 4)));
  });

  it.each(['vCont;c:1', 'vCont;s:1', 'c', 's', 'bs', 'bc', 'vCont;r80000000,80000010:1'])(
    'between a stop and the next resume is kept: %s answers T02 without moving, once',
    async packet => {
      const target = new CounterTarget();
      await target.seek(10);
      const wire = await connect(target);
      wire.interrupt();
      expect(await wire.ask('qC')).toBe('QC1');
      wire.interrupt();
      expect(await wire.ask(packet)).toMatch(/^T02/);
      expect(target.icount).toBe(10);
      expect(await wire.ask(packet)).toMatch(/^T05/);
      expect(target.icount).not.toBe(10);
    },
  );

  it('sent in one go with each of many steps is answered each time', async () => {
    const wire = await connect(new CounterTarget());
    await wire.ask('vCont;s:1');
    for (let i = 0; i < 200; i++) {
      wire.sendBytes(Buffer.concat([packet('bs'), Buffer.from([3])]));
      expect(await wire.next()).toMatch(/^T02/);
    }
  });

  it('belongs to what stands before it: one kept from earlier takes none of those behind', async () => {
    const wire = await connect(new CounterTarget());
    await wire.ask('vCont;s:1');
    wire.interrupt();
    await wire.ask('qC');
    wire.sendBytes(
      Buffer.concat([packet('vCont;s:1'), Buffer.from([3, 3]), packet('vCont;s:1'), packet('vCont;s:1')]),
    );
    expect(await wire.next()).toMatch(/^T02/);
    expect(await wire.next()).toMatch(/^T02/);
    expect(await wire.next()).toMatch(/^T05/);
  });

  it('that comes as something else stops the machine is answered by the next resume', async () => {
    const target = new CounterTarget();
    const wire = await connect(target);
    const { resume } = target;
    target.resume = async request => {
      wire.interrupt();
      return resume.call(target, request);
    };
    const first = await wire.ask('vCont;s:1');
    expect(first).toMatch(/^T05/);
    expect(await wire.ask('vCont;s:1')).toMatch(/^T02/);
    expect(target.icount).toBe(1);
  });

  it.each(['D;1', 'vKill;1'])('is forgotten after %s', async farewell => {
    const wire = await connect(new CounterTarget());
    wire.interrupt();
    await wire.ask(farewell);
    expect(await wire.ask('vCont;c:1')).toMatch(/^T05replaylog:end;/);
  });

  it('is forgotten with its connection', async () => {
    const target = new CounterTarget();
    const first = await connect(target);
    first.interrupt();
    first.session.disconnected();
    await first.session.finished;
    const next = await connect(target);
    expect(await next.ask('vCont;c:1')).toMatch(/^T05replaylog:end;/);
  });

  it('leaves the debugger on the hart it has selected', async () => {
    const wire = await connect(new CounterTarget({ harts: 3, stalls: true }));
    await wire.ask('Hg3');
    wire.send('vCont;c');
    wire.interrupt();
    expect(await wire.next()).toMatch(/^T02thread:3;/);
  });

  it('counts also when it comes while the packet before the resume is still worked on', async () => {
    const wire = await connect(new CounterTarget({ stalls: true }));
    wire.send('qSearch:memory:80000000;2000;nowhere');
    wire.send('c');
    wire.interrupt();
    expect(await wire.next()).toBe('0');
    expect(await wire.next()).toMatch(/^T02/);
  });

  it('reaches the machine although a packet came in between', async () => {
    const wire = await connect(new CounterTarget({ stalls: true }));
    wire.send('c');
    wire.send('qC');
    wire.interrupt();
    expect(await wire.next()).toMatch(/^T02/);
    expect(await wire.next()).toBe('QC1');
  });
});

describe('leaving', () => {
  it('D detaches and keeps the connection', async () => {
    const target = new CounterTarget();
    const wire = await connect(target);
    await wire.ask('Z0,80000008,4');
    expect(await wire.ask('D;1')).toBe('OK');
    expect(target.calls.at(-1)).toBe('detach');
    expect(target.breakpoints.size).toBe(0);
    expect(await wire.ask('vAttach;1')).toMatch(/^T05/);
    expect(target.calls.filter(call => call === 'attach')).toHaveLength(2);
  });

  it('k is acknowledged before the connection closes', async () => {
    const target = new CounterTarget();
    const wire = new Wire(target);
    wire.send('k');
    await new Promise(resolve => setImmediate(resolve));
    expect(wire.said).toEqual(['+']);
    expect(wire.closed).toBe(true);
    wire.session.disconnected();
    await wire.session.finished;
    expect(target.calls.filter(call => call === 'detach')).toHaveLength(1);
  });

  it('vKill is answered, and run starts at the beginning or where it is told', async () => {
    const target = new CounterTarget();
    await target.seek(7);
    const wire = await connect(target);
    expect(await wire.ask('vKill;1')).toBe('OK');
    expect(await wire.ask('vRun;')).toBe(`T05${tail(at(0))}`);
    expect(await wire.ask(`vRun;;${hex('6')}`)).toBe(`T05${tail(at(2))}`);
    expect(await wire.ask(`vRun;;${hex('9999')}`)).toBe('E01');
    wire.send('R00');
    expect(await wire.ask('?')).toBe(`T05${tail(at(0))}`);
  });

  it('a closed connection stops a running machine and frees it', async () => {
    const target = new CounterTarget({ stalls: true });
    const wire = await connect(target);
    wire.send('c');
    wire.session.disconnected();
    await wire.session.finished;
    expect(target.calls).toEqual(['attach', 'interrupt', 'detach']);
    const next = await connect(target);
    expect(await next.ask('?')).toMatch(/^T05/);
  });
});

describe('errors of the target', () => {
  const refusing = () => {
    const target = new CounterTarget();
    target.resume = async () => {
      throw new TargetError('no snapshot before icount 0');
    };
    return target;
  };

  it('a refused resume is one reply and a line on the console', async () => {
    const wire = await connect(refusing());
    expect(await wire.ask('bc')).toBe('E01');
    expect(wire.said.at(-2)).toBe(`$O${hex('no snapshot before icount 0\n')}`);
    const newer = await connect(refusing(), 'error-message+');
    expect(await newer.ask('bc')).toBe('E.no snapshot before icount 0');
  });

  it('an unexpected exception is an error reply, and the session goes on', async () => {
    const target = new CounterTarget();
    target.readMemory = () => {
      throw new Error('bug');
    };
    target.resume = () => {
      throw new Error('another bug');
    };
    const wire = await connect(target);
    expect(await wire.ask('m80000000,4')).toBe('E01');
    expect(await wire.ask('c')).toBe('E01');
    expect(await wire.ask('qC')).toBe('QC1');
  });
});
