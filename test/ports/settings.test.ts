import { describe, expect, test } from 'vitest';
import { sayOption } from '../../src/cli/machine-options.js';
import { newSettings } from '../../src/ports/config.js';
import { isValid, SETTING_NAMES, settingOf, withOlder } from '../../src/ports/settings.js';
import type { ValueKind } from '../../src/ports/value-kinds.js';
import { fullMessage, InputError } from '../../src/state/input-error.js';

const NEEDED = { xlen: 64, isa: 'rv64imac', entry: 0x8000_0000 } as const;

/** Of the first recordings: a file without one of them was never valid. */
const FROM_THE_START = [
  'board',
  'xlen',
  'isa',
  'harts',
  'quantum',
  'ramBytes',
  'icountShift',
  'entropySeed',
  'entry',
  'append',
];

describe('the rows of settings', () => {
  test.each(SETTING_NAMES)('%s: what an older recording means without it, and its default, can be', name => {
    const row = settingOf(name);
    const older: unknown = withOlder({})[name];
    expect(isValid(name, older, NEEDED)).toBe(!FROM_THE_START.includes(name));
    if (row.presence === 'required' && row.now !== undefined) expect(row.kind.is(row.now)).toBe(true);
  });

  test.each(SETTING_NAMES.filter(name => typeof settingOf(name).option === 'object'))(
    '%s: what its option takes is written as it is read',
    name => {
      const row = settingOf(name);
      if (typeof row.option !== 'object') throw new Error('has no option of its own');
      const kind = row.option.kind ?? (row.kind as ValueKind<unknown>);
      const tried = [row.presence === 'required' && row.now, true, 'modern', ['mouse', 'keyboard'], 4096, 7];
      const values = tried.filter(value => kind.is(value) && row.kind.is(value));
      expect(values).not.toEqual([]);
      for (const value of values) expect(kind.parse(kind.write(value))).toEqual(value);
    },
  );
});

describe('a new machine', () => {
  test('has the defaults, and nothing of what is not given', () => {
    expect(newSettings({ ...NEEDED, rng: false, inputs: [], virtioConsole: true })).toEqual({
      board: 'virt',
      machineRevision: 2,
      ...NEEDED,
      harts: 1,
      quantum: 4096,
      ramBytes: 2 ** 27,
      icountShift: 3,
      entropySeed: 1,
      append: '',
      rtcSeconds: 1_704_067_200,
      virtio: 'legacy',
      disks: [],
      network: false,
      virtioConsole: true,
    });
  });

  test.each([
    [{ harts: 17 }, '17 cannot be: give --smp 1 to 16'],
    [{ harts: Number.NaN }, 'null cannot be: give --smp 1 to 16'],
    [{ ramBytes: 4097 }, '4097 cannot be: give --memory a multiple of 4096 bytes, at most 3G'],
    [{ ramBytes: 2 ** 32 }, '4294967296 cannot be: give --memory a multiple of 4096 bytes, at most 3G'],
    [
      { inputs: Array(9).fill('mouse') },
      /^\["mouse",.*\] cannot be: give --input a list of at most 8, each keyboard or mouse or tablet$/,
    ],
    [{ isa: 'rv64imac!' }, '"rv64imac!" cannot be: give --cpu a word in lower case'],
    [{ rtcSeconds: -1 }, '-1 cannot be: give --rtc 0 to 8589934592'],
  ])('cannot have %j', (given, message) => {
    let said = 'nothing';
    try {
      newSettings({ ...NEEDED, ...given });
    } catch (error) {
      if (error instanceof InputError) said = fullMessage(error, sayOption);
    }
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });
});
