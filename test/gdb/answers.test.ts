/** What answers about the history say: of whom, of what part of it, and for programs. */
import { describe, expect, it } from 'vitest';
import { memoryMapXml } from '../../src/gdb/stub/target-xml.js';
import type { FoundWrite, QuestionOps, WritesAnswer } from '../../src/timeline/search/question-ops.js';
import { CounterTarget } from './counter-target.js';
import { connect, packet } from './wire.js';

const WRITE: FoundWrite = {
  icount: 12,
  hart: 0,
  pc: 0x8000_0010n,
  by: 'instruction',
  old: Uint8Array.of(1, 0),
  new: Uint8Array.of(2, 0xff),
};
const WRITTEN = 'icount 12  hart 0  pc 0x80000010  0x0001 -> 0xff02';

async function monitor(
  command: string,
  answer: Partial<Omit<WritesAnswer, 'found'>> & { readonly found?: readonly Partial<FoundWrite>[] },
): Promise<string[]> {
  const target = new CounterTarget();
  const found = (answer.found ?? []).map(one => ({ ...WRITE, cause: 7, ...one }));
  const whole = { begin: 0, end: 1000, hart: 0, physical: 0x8000_1000, ...answer, found };
  const ask = async () => whole;
  const questions: QuestionOps = {
    lastWrite: ask,
    writes: ask,
    firstExecution: ask,
    interrupts: ask,
    whoPrinted: ask,
  };
  Object.assign(target, { questions });
  const wire = await connect(target);
  return (await wire.monitor(command)).trimEnd().split('\n');
}

const HERE = '0x80001000 as hart 0 sees it now: physical 0x80001000';

describe('an answer', () => {
  it('says which memory it is about, and through which addresses it was written', async () => {
    expect(await monitor('writes 0x80001000 2', { found: [{}] })).toEqual([WRITTEN, HERE]);
    expect(await monitor('writes 0x80001000 2', { found: [{ through: 0x4000n }] })).toEqual([
      `${WRITTEN}  written through 0x4000, the same memory`,
      HERE,
    ]);
    expect(await monitor('writes 0x80001000 2', { found: [{ elsewhere: 0x8000_5000 }] })).toEqual([
      `${WRITTEN}  physical 0x80005000, other memory than now`,
      HERE,
    ]);
    expect(
      await monitor('writes 0x80001000 2', { physical: undefined, found: [{ elsewhere: 0x8000_5000 }] }),
    ).toEqual([
      `${WRITTEN}  physical 0x80005000`,
      '0x80001000 as hart 0 sees it now is no memory: these are stores to that address in any address space',
    ]);
  });

  it.each([
    ['device', 'icount 12  by a device (DMA)'],
    ['debugger', 'icount 12  by the debugger'],
    ['reset', 'icount 12  by a reset, which loads the firmware again'],
    ['page-walk', 'icount 12  hart 0  pc 0x80000010  (A and D bits of a page-table entry)'],
    ['load', 'icount 12  loaded from an image'],
  ] as const)('names a writer that is a %s', async (by, text) => {
    const [line] = await monitor('last-write 0x80001000 2', { found: [{ by }] });
    expect(line).toBe(`${text}  0x0001 -> 0xff02`);
  });

  it('says that what was loaded was not written since', async () => {
    const loaded = { by: 'load', image: 'a.elf', old: new Uint8Array(0) } as const;
    expect(await monitor('last-write 0x80001000', { found: [loaded] })).toEqual([
      'icount 12  loaded from a.elf  nothing -> 0xff02',
      'not written since',
      HERE,
    ]);
    expect(await monitor('writes 0x80001000', { found: [loaded, {}] })).not.toContain('not written since');
  });

  it.each([
    ['last-write 0x80001000', 'written', ' before here'],
    ['writes 0x80001000', 'written', ''],
    ['first-exec 0x80001000', 'executed', ''],
    ['who-printed hello', 'printed', ' before here'],
  ])('%s: "never" is said of the history that there is', async (command, what, until) => {
    expect((await monitor(command, {}))[0]).toBe(`never ${what}${until}`);
    expect((await monitor(command, { begin: 500 }))[0]).toBe(
      `not ${what}${until} since icount 500, where this history begins`,
    );
    expect((await monitor(command, { begin: 500, found: [{}] })).join('\n')).not.toMatch(/never|since/);
    expect((await monitor(command, { interrupted: [] })).join('\n')).not.toMatch(/never|since/);
  });

  it('about output says from when on it is remembered', async () => {
    expect(await monitor('who-printed hello', { rememberedFrom: 77 })).toEqual([
      'not printed before here since icount 77: what was printed earlier is not remembered',
    ]);
    expect(await monitor('who-printed hello', { rememberedFrom: 77, found: [{}] })).toEqual([
      'icount 12  hart 0  pc 0x80000010',
    ]);
  });

  it('about interrupts says it, too', async () => {
    expect(await monitor('irq-history', {})).toEqual(['no interrupt was taken']);
    expect(await monitor('irq-history', { begin: 3 })).toEqual([
      'no interrupt was taken since icount 3, where this history begins',
    ]);
    expect(await monitor('irq-history', { begin: 3, found: [{}] })).toEqual([
      'icount 12  hart 0  pc 0x80000010  interrupt 7',
    ]);
    expect(await monitor('irq-history', { interrupted: [] })).toEqual(['interrupted: nothing was searched']);
  });

  it('that was interrupted says what was searched', async () => {
    const interrupted = [
      { from: 10, to: 20 },
      { from: 30, to: 30 },
      { from: 40, to: 60 },
    ];
    expect((await monitor('writes 0x80001000', { interrupted })).at(-1)).toBe(
      'interrupted: only icount 10 to 20 and 40 to 60 was searched',
    );
    expect((await monitor('writes 0x80001000', { interrupted: [{ from: 5, to: 5 }] })).at(-1)).toBe(
      'interrupted: nothing was searched',
    );
    const [json] = await monitor('writes --json 0x80001000 2', { interrupted, found: [{ through: 16n }] });
    expect(JSON.parse(json)).toEqual([
      {
        icount: 12,
        hart: 0,
        pc: '0x80000010',
        by: 'instruction',
        old: '0x0001',
        new: '0xff02',
        through: '0x10',
      },
      { interrupted: true, searched: '10 to 20, 40 to 60' },
    ]);
  });
});

it('no event is shown when none is asked for', async () => {
  const wire = await connect(new CounterTarget());
  expect(await wire.monitor('events 0')).toBe('last 0 of 30:\n');
});

it.each([
  ['memory-map:read:', true],
  ['memory-map:read:other', false],
  ['threads:read:', true],
  ['threads:read:other', false],
  ['features:read:target.xml', true],
  ['features:read:other.xml', false],
  ['features:read:', false],
])('the document %s is there: %s', async (name, there) => {
  const wire = await connect(new CounterTarget());
  expect(await wire.ask(`qXfer:${name}:0,20`)).toMatch(there ? /^m<\?xml/ : /^E/);
});

it('a memory map has no row without bytes', () => {
  const region = (start: bigint, length: bigint) => ({ name: 'x', kind: 'ram' as const, start, length });
  const rows = (...regions: ReturnType<typeof region>[]) =>
    [...memoryMapXml(regions).matchAll(/start="(\w+)" length="(\w+)"/g)].map(([, at, length]) => [
      at,
      length,
    ]);
  const rest = ['0x3000', '0xffffffffffffd000'];
  expect(rows(region(0n, 0x1000n), region(0x1000n, 0x2000n))).toEqual([
    ['0x0', '0x1000'],
    ['0x1000', '0x2000'],
    rest,
  ]);
  expect(rows(region(0x1000n, 0x2000n), region(0x1000n, 0x1000n))).toEqual([
    ['0x0', '0x1000'],
    ['0x1000', '0x2000'],
    rest,
  ]);
  expect(rows()).toEqual([
    ['0x0', '0x8000000000000000'],
    ['0x8000000000000000', '0x8000000000000000'],
  ]);
});

it('a connection that is gone is answered nothing', async () => {
  const wire = await connect(new CounterTarget());
  wire.session.disconnected();
  await wire.session.finished;
  const said = wire.said.length;
  wire.session.receive(packet('?'));
  await new Promise(resolve => setImmediate(resolve));
  expect(wire.said.length).toBe(said);
});
