import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PACKETS, parseCommand, supportedFeatures } from '../../src/gdb/rsp/packets.js';
import { CounterTarget } from './counter-target.js';
import { packetDocumentation } from './packet-docs.js';
import { connect, hex } from './wire.js';

const parse = (text: string) => parseCommand(Buffer.from(text, 'latin1'));

/** A well-formed packet for each entry of the table. */
const SAMPLES: Readonly<Record<string, string>> = {
  qSupported: 'qSupported:swbreak+',
  'qAttached:': 'qAttached:1',
  'vAttach;': 'vAttach;1',
  'D;': 'D;1',
  'vKill;': 'vKill;1',
  R: 'R00',
  'vRun;': 'vRun;',
  'qThreadExtraInfo,': 'qThreadExtraInfo,1',
  T: 'T1',
  Hg: 'Hg0',
  Hc: 'Hc-1',
  G: `G${'00'.repeat(264)}`,
  p: 'p20',
  P: 'P20=0000008000000000',
  m: 'm80000000,4',
  M: 'M80001000,1:00',
  x: 'x80000000,4',
  X: 'X80001000,0:',
  'qCRC:': 'qCRC:80000000,10',
  'qSearch:memory:': 'qSearch:memory:80000000;10;a',
  Z: 'Z0,80000000,4',
  z: 'z0,80000000,4',
  'vCont;': 'vCont;s:1',
  c: 'c',
  C: 'C05',
  s: 's',
  S: 'S05',
  'qXfer:features:read:': 'qXfer:features:read:target.xml:0,100',
  'qXfer:memory-map:read:': 'qXfer:memory-map:read::0,100',
  'qXfer:threads:read:': 'qXfer:threads:read::0,100',
  'qRcmd,': `qRcmd,${hex('icount')}`,
};

describe('packet table', () => {
  it('has one entry for each prefix', () => {
    const prefixes = PACKETS.map(({ prefix, exact }) => `${prefix} ${exact}`);
    expect(new Set(prefixes).size).toBe(prefixes.length);
  });

  it.each(PACKETS.map(({ prefix }) => prefix))('%s is parsed by its own entry and answered', async prefix => {
    const sample = SAMPLES[prefix] ?? prefix;
    expect(parse(sample).kind).not.toMatch(/unknown|malformed/);
    if (prefix === 'k' || prefix === 'R') return; // no answer in the protocol
    const wire = await connect(new CounterTarget());
    const answer = await wire.ask(sample);
    expect(answer).not.toBe('');
    expect(answer).not.toMatch(/^E/);
  });

  it('announces what it answers, and only that', async () => {
    expect(supportedFeatures().split(';').sort()).toEqual(
      [
        'BreakpointCommands+',
        'ConditionalBreakpoints+',
        'PacketSize=20000',
        'QStartNoAckMode+',
        'ReverseContinue+',
        'ReverseStep+',
        'binary-upload+',
        'error-message+',
        'hwbreak+',
        'qXfer:features:read+',
        'qXfer:memory-map:read+',
        'qXfer:threads:read+',
        'swbreak+',
        'vContSupported+',
      ].sort(),
    );
    const wire = await connect(new CounterTarget());
    expect(await wire.ask('qSupported:multiprocess+')).toBe(supportedFeatures());
    expect(await wire.ask('qSupported')).toBe(supportedFeatures());
  });

  it('is what docs/rsp-packets.md shows (vitest -u writes it)', async () => {
    await expect(packetDocumentation()).toMatchFileSnapshot('../../docs/rsp-packets.md');
  });

  it.each([
    'vMustReplyEmpty',
    'qTStatus',
    'qOffsets',
    'qSymbol::',
    'QThreadEvents:1',
    'QNonStop:0',
    'qXfer:auxv:read::0,1000',
    'qSupportedX',
    'vCtrlC',
    'Z5,0,4',
    'qRcmdX',
    'bx',
    '',
  ])('%j is unknown: the answer is empty', async packet => {
    expect(parse(packet).kind).toBe('unknown');
    const wire = await connect(new CounterTarget());
    expect(await wire.ask(packet)).toBe('');
  });

  it.each([
    'm',
    'm80000000',
    'm80000000,-1',
    'm-1,4',
    'm80000000,4,4',
    'm11112222333344445,4',
    'mzz,4',
    'M80001000,2:00',
    'M80001000,1:0',
    'M80001000,1:zz',
    'X80001000,2:a',
    'X80001000',
    'p',
    'p-1',
    'P20',
    'P20=',
    'P20=0',
    'G0',
    'Hg',
    'Hgxyz',
    'T0',
    'Z0',
    'Z0,80000000',
    'Zx,80000000,4',
    'Z0,,4',
    'vCont;',
    'vCont;x',
    'vCont;s:1:2',
    'vCont;r1',
    'vCont;r1,2,3:1',
    'cxyz',
    'C5',
    'qCRC:0',
    'qSearch:memory:0;10;',
    'qXfer:features:read:target.xml',
    'qXfer:features:read:target.xml:0',
    'qRcmd,0',
    'vRun;zz',
  ])('%j is malformed: the answer is an error', async packet => {
    const wire = await connect(new CounterTarget());
    expect(await wire.ask(packet)).toBe('E16');
    expect(await wire.ask('qC')).toBe('QC1');
  });

  it('parses any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array(), body => void expect(parseCommand(body).kind).toBeTypeOf('string')),
    );
  });

  it('understands thread ids of the multiprocess form', () => {
    expect(parse('Hcp1.0')).toEqual({ kind: 'select-thread', purpose: 'resume', thread: 'any' });
    expect(parse('vCont;s:p1.2')).toEqual({ kind: 'resume', actions: [{ kind: 'step', thread: 2 }] });
    expect(parse('vCont;c:p1.-1')).toEqual({
      kind: 'resume',
      actions: [{ kind: 'continue', thread: 'all' }],
    });
  });
});
