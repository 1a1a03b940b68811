import { describe, expect, it } from 'vitest';
import { CounterTarget, DATA } from './counter-target.js';
import { at, connect, hex, register, tail, unescapeBinary, unhex, Wire } from './wire.js';

describe('connecting', () => {
  it('acknowledges until QStartNoAckMode is answered', async () => {
    const wire = new Wire(new CounterTarget());
    await wire.ask('vMustReplyEmpty');
    await wire.ask('QStartNoAckMode');
    await wire.ask('qC');
    expect(wire.said).toEqual(['+', '$', '+', '$OK', '$QC1']);
  });

  it('asks for a packet again when its checksum is wrong and repeats its own when asked', async () => {
    const wire = new Wire(new CounterTarget());
    wire.sendBytes('$qC#00');
    expect(wire.said).toEqual(['-']);
    await wire.ask('qC');
    wire.sendBytes('-');
    expect(wire.said).toEqual(['-', '+', '$QC1', '$QC1']);
  });

  it('answers a wrong checksum with an error when there are no acknowledgements', async () => {
    const wire = await connect(new CounterTarget());
    wire.sendBytes('$bc#00');
    expect(await wire.next()).toBe('E01');
  });

  it('answers the first questions of gdb', async () => {
    const target = new CounterTarget({ harts: 2 });
    const wire = await connect(target);
    expect(target.calls).toEqual(['attach']);
    expect(await wire.ask('!')).toBe('OK');
    expect(await wire.ask('Hg0')).toBe('OK');
    expect(await wire.ask('qAttached')).toBe('1');
    expect(await wire.ask('Hc-1')).toBe('OK');
    expect(await wire.ask('?')).toBe(`T05${tail(at(0))}`);
    expect(await wire.ask('qfThreadInfo')).toBe('m1,2');
    expect(await wire.ask('qsThreadInfo')).toBe('l');
    expect(unhex(await wire.ask('qThreadExtraInfo,2'))).toBe('CPU#1 machine mode <test>');
    expect(await wire.ask('vCont?')).toBe('vCont;c;C;s;S;r');
    expect(await wire.ask('T2')).toBe('OK');
    expect(await wire.ask('T3')).toBe('E01');
    expect(await wire.ask('Hg3')).toBe('E01');
  });

  it('describes its registers, memory and harts', async () => {
    const wire = await connect(new CounterTarget({ harts: 2 }));
    const xml = await wire.ask('qXfer:features:read:target.xml:0,ffff');
    expect(xml).toMatch(/^l<\?xml version="1.0"\?>/);
    expect(xml).toContain('<architecture>riscv:rv64</architecture>\n  <osabi>none</osabi>\n  <feature name=');
    expect(xml).toContain('<reg name="pc" bitsize="64" regnum="32" type="code_ptr" group="general"/>');
    expect(xml).toContain('regnum="4096" type="int" group="time" save-restore="no"/>');
    expect(await wire.ask('qXfer:features:read:other.xml:0,ffff')).toBe('E00');
    const first = await wire.ask('qXfer:features:read:target.xml:0,64');
    const rest = await wire.ask('qXfer:features:read:target.xml:64,ffff');
    expect(`l${first.slice(1)}${rest.slice(1)}`).toBe(xml);
    expect(first[0]).toBe('m');
    expect(await wire.ask('qXfer:features:read:target.xml:fffff,10')).toBe('l');
    const map = await wire.ask('qXfer:memory-map:read::0,ffff');
    expect(map).toContain('<memory type="ram" start="0x80000000" length="0x2000"/>');
    expect(map).toContain('<memory type="ram" start="0x80002000" length="0xffffffff7fffe000"/>');
    const threads = unescapeBinary(await wire.ask('qXfer:threads:read::0,ffff'));
    expect(threads).toContain('<thread id="2" core="1">CPU#1 machine mode &lt;test&gt;</thread>');
  });
});

describe('registers and memory', () => {
  it('reads them, xx where there is nothing to read', async () => {
    const wire = await connect(new CounterTarget());
    const all = await wire.ask('g');
    expect(all).toHaveLength(33 * 16);
    expect(all.slice(-16)).toBe(register(at(0)));
    expect(await wire.ask('p20')).toBe(register(at(0)));
    expect(await wire.ask('p1c1')).toBe('xx'.repeat(8));
    expect(await wire.ask('pffff')).toBe('E01');
  });

  it('writes them at the live end', async () => {
    const wire = await connect(new CounterTarget());
    expect(await wire.ask(`P5=${register(41n)}`)).toBe('OK');
    const all = await wire.ask('g');
    expect(await wire.ask(`G${all.slice(0, 5 * 16)}${register(7n)}${all.slice(6 * 16)}`)).toBe('OK');
    expect(await wire.ask('p5')).toBe(register(7n));
    expect(await wire.ask('M80001000,2:abcd')).toBe('OK');
    expect(await wire.ask('X80001002,3:}\x03,:')).toBe('OK');
    expect(await wire.ask('X80001002,0:')).toBe('OK');
    expect(await wire.ask('m80001000,5')).toBe(`abcd${hex('#,:')}`);
    expect(await wire.ask('x80001002,3')).toBe('b}\x03,:');
  });

  it('says why not, in the form the debugger reads', async () => {
    const ask = async (features: string, packet: string) => {
      const target = new CounterTarget();
      await target.seek(5);
      return (await connect(target, features)).ask(packet);
    };
    const write = `P5=${register(1n)}`;
    expect(await ask('swbreak+', write)).toBe('E01');
    expect(await ask('xmlRegisters=i386', write)).toBe('E.the past cannot be changed');
    expect(await ask('error-message+', write)).toBe('E.the past cannot be changed');
    expect(await ask('xmlRegisters=i386', 'm0,4')).toBe('E0e');
    expect(await ask('error-message+', 'm0,4')).toBe('E.cannot read memory at 0x0');
    expect(await ask('xmlRegisters=i386', 'P20=00')).toBe('E.pc has 8 bytes, not 1');
  });

  it('gives the readable part and bounds huge requests', async () => {
    const wire = await connect(new CounterTarget());
    expect(await wire.ask('m80001ffc,10')).toHaveLength(8);
    expect(await wire.ask('m80000000,ffffffffffffffff')).toHaveLength(2 * 0x2000);
    expect(await wire.ask('m7ffffffc,4')).toBe('E0e');
    expect(await wire.ask('m80000000,0')).toBe('E16');
  });

  it('speaks the older LLDB form of x after its probe', async () => {
    const wire = await connect(new CounterTarget());
    expect(await wire.ask('x80000000,2')).toBe('b\x93\x82');
    expect(await wire.ask('x0,0')).toBe('OK');
    expect(await wire.ask('x80000000,2')).toBe('\x93\x82');
  });

  it('searches and checks memory on its own', async () => {
    const wire = await connect(new CounterTarget());
    await wire.ask(`M80001ff7,9:${hex('123456789')}`);
    expect(await wire.ask('qSearch:memory:80000000;2000;6789')).toBe('1,80001ffc');
    expect(await wire.ask('qSearch:memory:80000000;1ffc;6789')).toBe('0');
    expect(await wire.ask('qSearch:memory:80000000;ffffffffffffffff;nowhere')).toBe('E0e');
    // The check value of CRC-32/MPEG-2, which is GDB's.
    expect(await wire.ask('qCRC:80001ff7,9')).toBe('C0376e6e7');
    expect(await wire.ask('qCRC:80001ff7,ffffffffffff')).toBe('E0e');
  });
});

describe('stepping', () => {
  it('undoes exactly one instruction with bs', async () => {
    const wire = await connect(new CounterTarget());
    expect(await wire.ask('vCont;s:1')).toBe(`T05${tail(at(1))}`);
    expect(await wire.ask('vCont;s:1')).toBe(`T05${tail(at(2))}`);
    expect(await wire.ask('m80001000,4')).toBe('01000000');
    expect(await wire.ask('Hc0')).toBe('OK');
    expect(await wire.ask('bs')).toBe(`T05${tail(at(1))}`);
    expect(await wire.ask('m80001000,4')).toBe('00000000');
    expect(await wire.ask('p5')).toBe(register(1n));
  });

  it('knows all forms of forward steps', async () => {
    const wire = await connect(new CounterTarget());
    expect(await wire.ask('s')).toBe(`T05${tail(at(1))}`);
    expect(await wire.ask('S05')).toBe(`T05${tail(at(2))}`);
    expect(await wire.ask('vCont;S05:1;c')).toBe(`T05${tail(at(3))}`);
    const range = (from: number, to: number) => `r${at(from).toString(16)},${at(to).toString(16)}:1`;
    expect(await wire.ask(`vCont;${range(0, 2)};c`)).toBe(`T05${tail(at(2))}`);
    expect(await wire.ask(`vCont;${range(2, 3)}`)).toBe(`T05${tail(at(3))}`);
  });

  it('resumes at a given address', async () => {
    const wire = await connect(new CounterTarget());
    expect(await wire.ask(`s${at(3).toString(16)}`)).toBe(`T05${tail(at(0))}`);
    expect(await wire.ask(`c${at(2).toString(16)}`)).toBe('E01');
  });

  it('follows the hart it is told, and selects the one that stopped', async () => {
    const target = new CounterTarget({ harts: 2 });
    const wire = await connect(target);
    expect(await wire.ask('vCont;s:2;c')).toBe(`T05${tail(at(1), 1)}`);
    expect(target.icount).toBe(4);
    expect(await wire.ask('qC')).toBe('QC2');
    expect(await wire.ask('p6')).toBe(register(DATA + 8n));
    await wire.ask('Hc0');
    expect(await wire.ask('bs')).toBe(`T05${tail(at(0), 1)}`);
    expect(await wire.ask('bs')).toBe(`T05${tail(at(2), 0)}`);
    expect(await wire.ask('vCont;s:7')).toBe('E01');
  });

  it.each([
    ['vCont;c:2', 'Hc0'],
    ['vCont;c:1;c:2', 'Hc0'],
    ['vCont;s:1;s:2', 'Hc0'],
    ['vCont;r80000000,80000010:1', 'Hc0'],
    ['bc', 'Hc2'],
  ])('%s would hold harts back: an error, one line, and nothing moves', async (packet, before) => {
    const target = new CounterTarget({ harts: 3 });
    await target.seek(10);
    const wire = await connect(target);
    await wire.ask(before);
    const said = wire.said.length;
    expect(await wire.ask(packet)).toBe('E01');
    const lines = wire.said.slice(said).filter(item => item.startsWith('$O') && !item.startsWith('$OK'));
    expect(lines).toEqual([`$O${hex('all harts move together: set scheduler-locking off\n')}`]);
    expect(target.icount).toBe(10);
  });

  it.each(['vCont;c', 'vCont;c:-1', 'vCont;s:2;c', 'vCont;c:1;c:2;c:3', 'vCont;s:3;c:-1'])(
    '%s has an action for every hart',
    async packet => {
      const wire = await connect(new CounterTarget({ harts: 3 }));
      expect(await wire.ask(packet)).toMatch(/^T05/);
    },
  );
});

describe('breakpoints', () => {
  it('stop on the starting pc forwards and not backwards', async () => {
    const target = new CounterTarget();
    await target.seek(6);
    const wire = await connect(target);
    await wire.ask(`Z0,${at(2).toString(16)},4`);
    expect(await wire.ask('vCont;c:1')).toBe(`T05swbreak:;${tail(at(2))}`);
    expect(target.icount).toBe(6);
    expect(await wire.ask('bc')).toBe(`T05swbreak:;${tail(at(2))}`);
    expect(target.icount).toBe(2);
    expect(await wire.ask('bc')).toBe(`T05replaylog:begin;${tail(at(0))}`);
  });

  it('name their type only to a debugger that announced it', async () => {
    const place = `${at(2).toString(16)},4`;
    const stops = async (features: string, type: string) => {
      const wire = await connect(new CounterTarget(), features);
      await wire.ask(`Z${type},${place}`);
      return wire.ask('c');
    };
    expect(await stops('swbreak+;hwbreak+', '0')).toBe(`T05swbreak:;${tail(at(2))}`);
    expect(await stops('swbreak+;hwbreak+', '1')).toBe(`T05hwbreak:;${tail(at(2))}`);
    expect(await stops('hwbreak+', '0')).toBe(`T05${tail(at(2))}`);
    expect(await stops('swbreak+', '1')).toBe(`T05${tail(at(2))}`);
  });

  it('go in and out without touching memory, each type once', async () => {
    const target = new CounterTarget();
    const wire = await connect(target);
    const before = await wire.ask('m80000000,40');
    const place = `${at(2).toString(16)},2`;
    for (const packet of ['Z0', 'Z0', 'Z1', 'z0']) expect(await wire.ask(`${packet},${place}`)).toBe('OK');
    expect([...target.breakpoints]).toEqual([at(2)]);
    expect(await wire.ask('m80000000,40')).toBe(before);
    for (const packet of ['z1', 'z1', 'z0']) expect(await wire.ask(`${packet},${place}`)).toBe('OK');
    expect([...target.breakpoints]).toEqual([]);
    expect(target.calls.filter(call => /insert|remove/.test(call))).toHaveLength(2);
  });
});

describe('watchpoints', () => {
  it.each([
    ['2', 'watch', 1],
    ['3', 'rwatch', 2],
    ['4', 'awatch', 1],
  ])(
    'Z%s reports %s before the access forwards, and before it is undone backwards',
    async (type, key, pc) => {
      const target = new CounterTarget();
      const wire = await connect(target);
      const point = `${type},80001000,4`;
      expect(await wire.ask(`Z${point}`)).toBe('OK');
      expect(await wire.ask('vCont;c:1')).toBe(`T05${key}:80001000;${tail(at(pc))}`);
      await wire.ask(`z${point}`);
      await wire.ask('vCont;s:1');
      await wire.ask(`Z${point}`);
      expect(await wire.ask('bc')).toBe(`T05${key}:80001000;${tail(at(pc + 1))}`);
    },
  );

  it('take any length and leave neighbours alone', async () => {
    const wire = await connect(new CounterTarget({ end: 40 }));
    expect(await wire.ask('Z2,80001004,1000')).toBe('OK');
    expect(await wire.ask('c')).toBe(`T05replaylog:end;${tail(at(0))}`);
    await wire.ask('z2,80001004,1000');
    expect(await wire.ask('Z2,80001003,1')).toBe('OK');
    expect(await wire.ask('bc')).toBe(`T05watch:80001003;${tail(at(2))}`);
    expect(await wire.ask('Z2,80001003,0')).toBe('E16');
  });
});

describe('the ends of the history', () => {
  it('are told for bs and bc alike, again and again, and leave the machine usable', async () => {
    const wire = await connect(new CounterTarget());
    for (const packet of ['bs', 'bc', 'bs']) {
      expect(await wire.ask(packet)).toBe(`T05replaylog:begin;${tail(at(0))}`);
    }
    expect(await wire.ask('vCont;c:1')).toBe(`T05replaylog:end;${tail(at(0))}`);
    expect(await wire.ask('vCont;s:1')).toBe(`T05replaylog:end;${tail(at(0))}`);
    expect(await wire.ask('bs')).toBe(`T05${tail(at(3))}`);
  });

  it('never end the session at power off', async () => {
    const wire = await connect(new CounterTarget({ end: 5, powerOff: { code: 3 } }));
    expect(await wire.ask('c')).toBe(`T05replaylog:end;${tail(at(1))}`);
    const console = wire.said.filter(item => item.startsWith('$O') && item !== '$OK');
    expect(console.map(item => unhex(item.slice(2)))).toEqual([
      'The guest powered off with code 3. Step back before you change something.\n',
    ]);
    expect(wire.said.filter(item => /^\$[WX]/.test(item))).toEqual([]);
    expect(wire.closed).toBe(false);
  });
});
