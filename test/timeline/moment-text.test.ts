import { expect, it } from 'vitest';
import { parseMoment as fromCommandLine } from '../../src/cli/values.js';
import { parseMoment } from '../../src/timeline/moment-text.js';

it.each([
  ['0', 0],
  ['1000', 1000],
  ['5e6', 5_000_000],
  ['90_000_000', 90_000_000],
  ['1_0e2', 1000],
  ['0x10', 16],
  ['0X1_0', 16],
  ['start', 'start'],
  ['end', 'end'],
])('%s is the same moment for monitor and on the command line', (text, moment) => {
  expect(parseMoment(text)).toBe(moment);
  expect(fromCommandLine(text)).toBe(moment);
});

it.each(['abc', '1.5', '1_', '_1', '1__0', '0x', '5e', '1e2x', '--5', '\u0663'])(
  '%s names a snapshot',
  text => {
    expect(parseMoment(text)).toEqual({ snapshot: text });
    expect(fromCommandLine(text)).toEqual({ snapshot: text });
  },
);

it.each(['1e400', '9007199254740992', `1${'0'.repeat(100_000)}`, '-1', '-0x10'])(
  '%s is no icount that there is',
  text => {
    expect(() => parseMoment(text)).toThrow(/^(icount .* is too large|there is no icount .*)$/);
    expect(() => fromCommandLine(text)).toThrow();
  },
);
