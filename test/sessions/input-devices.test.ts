import { expect, test } from 'vitest';
import { connect } from '../gdb/wire.js';
import { bootFixture, fixture } from '../support/sessions.js';

test('monitor: keys, moves and buttons become input events of the devices that are there', async () => {
  const { session, console } = bootFixture(fixture('rv64', 'devices'), {
    config: { inputs: ['keyboard', 'mouse', 'tablet'] },
  });
  const wire = await connect(session);
  expect(await wire.monitor('sendkey ctrl-c')).toContain('sent');
  await wire.monitor('mouse_move 5 -7 1');
  await wire.monitor('mouse_button 1');
  await wire.monitor('mouse_button 0');
  await wire.monitor('tablet_move 100 32767');
  await session.runToEnd({});
  expect(session.events().map(({ text }) => text)).toEqual([
    ...['29 value 1', '46 value 1', '46 value 0', '29 value 0'].flatMap(key => [
      `input 0 type 1 code ${key}`,
      'input 0 sync',
    ]),
    'input 1 type 2 code 0 value 5',
    'input 1 type 2 code 1 value -7',
    'input 1 type 2 code 8 value 1',
    'input 1 sync',
    'input 1 type 1 code 272 value 1',
    'input 1 sync',
    'input 1 type 1 code 272 value 0',
    'input 1 sync',
    'input 2 type 3 code 0 value 100',
    'input 2 type 3 code 1 value 32767',
    'input 2 sync',
  ]);
  expect(console.text).toContain('input 2: QEMU Virtio Tablet');
});

test('monitor: what makes no sense is said in one line, and nothing is sent', async () => {
  const { session } = bootFixture(fixture('rv64', 'devices'), { config: { inputs: ['keyboard'] } });
  const wire = await connect(session);
  expect(await wire.monitor('sendkey')).toBe('sendkey: nothing given; usage: sendkey KEYS\n');
  expect(await wire.monitor('sendkey a-nokey')).toContain('there is no key "nokey"');
  expect(await wire.monitor('mouse_move 1')).toContain('usage: mouse_move DX DY [DZ]');
  expect(await wire.monitor('mouse_move 1 2')).toContain('the machine has no mouse');
  expect(await wire.monitor('tablet_move 1 2')).toContain('the machine has no tablet');
  await session.runToEnd({ maxIcount: 1000 });
  expect(session.events()).toEqual([]);
});

test('sent before the driver is there, it is lost, as on a real machine; the guest counts what it got', async () => {
  const { session, console } = bootFixture(fixture('rv64', 'devices'), { config: { inputs: ['keyboard'] } });
  session.input.sendKey('a');
  // Called when every driver is at work.
  session.insertBreakpoint(session.symbols.find('console_enable_interrupt')?.address ?? 0n);
  await session.resume({ kind: 'continue', direction: 'forward' });
  session.clearBreakpoints();
  session.input.sendKey('b');
  await session.runToEnd({});
  // Press and release, each with its report.
  expect(console.text).toContain('\ninput: 4, checksum');
});
