import { describe, expect, it } from 'vitest';
import { CounterTarget } from './counter-target.js';
import { connect, hex, type Wire } from './wire.js';

const STALE = 'gdb still shows the old moment: type "maintenance flush register-cache"';

async function at(icount: number): Promise<{ target: CounterTarget; wire: Wire }> {
  const target = new CounterTarget({ harts: 2, powerOff: { code: 0 } });
  await target.seek(icount);
  return { target, wire: await connect(target) };
}

describe('monitor', () => {
  it('help lists every command with one line each', async () => {
    const { wire } = await at(0);
    const lines = (await wire.monitor('help')).trimEnd().split('\n');
    expect(lines.map(line => line.split(/ {2,}/)[0])).toEqual([
      'help',
      'info replay',
      'info registers',
      'info mtree',
      'icount',
      'goto ICOUNT|NAME|start|end',
      'replay_seek ICOUNT',
      'replay_break ICOUNT',
      'replay_delete_break',
      'watch-condition [ADDR|SYMBOL [EXPRESSION]]',
      'set step-over-interrupts on|off',
      'set semihosting-output on|off',
      'snapshot save NAME',
      'snapshot list',
      'snapshot delete NAME',
      'events [COUNT|all]',
      'type TEXT',
      'reset',
      'sendkey KEYS',
      'mouse_move DX DY [DZ]',
      'mouse_button STATE',
      'tablet_move X Y',
      'branch list',
      'branch switch NAME',
      'branch drop NAME',
      'history save FILE [from ICOUNT|NAME]',
      'last-write [--json] ADDR|SYMBOL [LEN]',
      'writes [--json] ADDR|SYMBOL [LEN]',
      'first-exec [--json] ADDR|SYMBOL',
      'irq-history [--json]',
      'who-printed [--json] TEXT',
    ]);
    expect(await wire.monitor('')).toBe(`${lines.join('\n')}\n`);
  });

  it('tells where it is', async () => {
    const { wire } = await at(100);
    expect(await wire.monitor('icount')).toBe('100\n');
    expect(await wire.monitor('info replay')).toBe(
      [
        'mode: replay',
        'icount: 100 of 0..1000',
        'virtual time: 0.000001000 s',
        'recording: counter.bsr',
        '',
      ].join('\n'),
    );
    expect(await wire.monitor('goto end')).toContain('at icount 1000\n');
    expect(await wire.monitor('info replay')).toContain('the guest powered off with code 0\n');
  });

  it.each([
    ['goto 12', 12],
    ['goto 0x10', 16],
    ['goto start', 0],
    ['goto end', 1000],
    ['replay_seek 7', 7],
    ['  goto   9 ', 9],
    ['goto\t9', 9],
  ])('%j moves, and says that gdb must forget', async (command, icount) => {
    const { target, wire } = await at(100);
    const output = await wire.monitor(command);
    expect(output).toContain(`at icount ${icount}\n${STALE}`);
    expect(target.icount).toBe(icount);
  });

  it('saves, lists, visits and forgets snapshots', async () => {
    const { target, wire } = await at(100);
    expect(await wire.monitor('snapshot list')).toBe('no snapshots\n');
    expect(await wire.monitor('snapshot save before crash')).toBe(
      'snapshot before crash saved at icount 100\n',
    );
    expect(await wire.monitor('snapshot list')).toBe('icount 100, 2 pages, 8192 bytes, before crash\n');
    await wire.monitor('goto 5');
    expect(await wire.monitor('goto before crash')).toContain('at icount 100\n');
    expect(target.icount).toBe(100);
    expect(await wire.monitor('snapshot delete before crash')).toBe('snapshot before crash deleted\n');
    expect(await wire.monitor('goto before crash')).toBe('goto: there is no snapshot named before crash\n');
  });

  it('shows registers of the selected hart, the memory map and the inputs', async () => {
    const { wire } = await at(4);
    await wire.ask('Hg2');
    const registers = await wire.monitor('info registers');
    expect(registers).toMatch(/^hart 1\n/);
    expect(registers).toMatch(/^pc +0000000080000004$/m);
    expect(registers).toMatch(/^satp +-{16}$/m);
    expect(await wire.monitor('info mtree')).toBe(
      '0000000000001000-000000000000ffff rom  mrom\n0000000080000000-0000000080001fff ram  ram\n',
    );
    expect((await wire.monitor('events')).split('\n').slice(0, 2)).toEqual([
      'last 20 of 30:',
      '30 console "10"',
    ]);
    expect(await wire.monitor('events 1')).toBe('last 1 of 30:\n87 console "29"\n');
    expect((await wire.monitor('events all')).trimEnd().split('\n')).toHaveLength(30);
  });

  it('types on the console with Enter', async () => {
    const { target, wire } = await at(0);
    await wire.monitor('  type  echo a  b ');
    expect(Buffer.from(target.typed).toString()).toBe('echo a  b\r');
  });

  it.each([
    ['nonsense', 'unknown monitor command "nonsense"; "monitor help" lists all\n'],
    [
      'snapshot',
      'unknown monitor command "snapshot"; there is snapshot save, snapshot list, snapshot delete; "monitor help" lists all\n',
    ],
    ['icount 5', '"icount" takes no argument, not "5"\n'],
    ['goto', 'goto: nothing given; usage: goto ICOUNT|NAME|start|end\n'],
    ['goto 5000', 'goto: icount 5000 is outside the history 0..1000\n'],
    ['goto -5', 'goto: there is no icount -5\n'],
    ['goto 99999999999999999999', 'goto: icount 99999999999999999999 is too large\n'],
    ['snapshot delete x', 'snapshot delete: there is no snapshot named x\n'],
    ['events x', 'events: "x" is no count; usage: events [COUNT|all]\n'],
    ['reset', 'reset: a recording cannot be reset\n'],
  ])('%j is told what is wrong', async (command, output) => {
    const { wire } = await at(0);
    expect(await wire.monitor(command)).toBe(output);
  });

  it('splits long output over several lines of the protocol', async () => {
    const { target, wire } = await at(0);
    const text = 'x'.repeat(100_000);
    target.events = () => [{ icount: 0, text }];
    expect(await wire.monitor('events')).toBe(`0 ${text}\n`);
    const longest = Math.max(...wire.said.map(item => item.length));
    expect(longest).toBeLessThan(0x20000);
  });

  it('survives a command that is no text', async () => {
    const { wire } = await at(0);
    expect(await wire.monitor('\u0000')).toContain('unknown monitor command');
    expect(await wire.ask(`qRcmd,${hex('icount')}`)).toBe('OK');
  });
});
