import { expect, test } from 'vitest';
import { digestsOf, MemoryFile, replay } from '../support/sessions.js';
import { buildToy } from './toy-board.js';
import { randomToy, toyHello, toyTicks } from './toy-programs.js';
import { bootToy } from './toy-session.js';

test('x', async () => {
  const live = bootToy(toyHello('hello toy\n', 3).bytes());
  const file = new MemoryFile();
  live.session.record(file);
  console.log(await live.session.runToEnd({ maxIcount: 10000 }), live.console.text, live.session.status());
  live.session.close();
  const r = replay(file.read(), { build: buildToy });
  await r.session.verify();
  expect(digestsOf(r.session)).toEqual(digestsOf(live.session));
  const t = bootToy(toyTicks(1000).bytes(), { snapshotIntervalSteps: 500 });
  t.session.attach();
  console.log(await t.session.runToEnd({ maxIcount: 20000 }), t.session.status(), t.session.machine.board.harts[0]);
  const u = bootToy(randomToy(5, 40), { harts: 2, snapshotIntervalSteps: 500 });
  u.session.attach();
  console.log(await u.session.runToEnd({ maxIcount: 20000 }), u.session.status());
});
