import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EscapeFilter } from '../../src/host/console/escape-filter.js';

function type(...pieces: string[]) {
  const filter = new EscapeFilter();
  const actions: string[] = [];
  const kept = pieces.map(piece =>
    filter.feed(new TextEncoder().encode(piece), action => actions.push(action)),
  );
  return { guest: Buffer.concat(kept).toString(), actions };
}

test('Ctrl-A x quits, Ctrl-A h helps, Ctrl-A Ctrl-A is typed', () => {
  expect(type('a\x01xb')).toEqual({ guest: 'ab', actions: ['quit'] });
  expect(type('\x01h', '\x01?')).toEqual({ guest: '', actions: ['help', 'help'] });
  expect(type('\x01\x01x')).toEqual({ guest: '\x01x', actions: [] });
  expect(type('\x01zq')).toEqual({ guest: 'q', actions: [] });
});

test('Ctrl-C and all other keys reach the guest', () => {
  expect(type('\x03\x04\x1b[A\x7f')).toEqual({ guest: '\x03\x04\x1b[A\x7f', actions: [] });
});

test('pieces do not matter', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('\x01', 'x', 'h', 'a')), keys => {
      expect(type(...keys)).toEqual(type(keys.join('')));
    }),
  );
});
