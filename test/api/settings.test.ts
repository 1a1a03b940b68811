import { describe, expect, test } from 'vitest';
import { boot, InputError } from '../../src/api/index.js';

const DEMO = 'fixtures/rv64/demo.elf';

describe('a script is told of fields, not of options', () => {
  test.each([
    ['a number out of range', { harts: 17 }, '17 cannot be: set harts to 1 to 16'],
    ['memory of no whole pages', { ramBytes: 4097 }, /^4097 cannot be: set ramBytes to a multiple of 4096/],
    ['too little memory', { ramBytes: 4096 }, /outside RAM, .*: set ramBytes to \d{5,}$/],
    ['a hart for another program', { cpu: 'rv32gc' }, /32-bit harts: set cpu to rv64\.\.\., or nothing$/],
  ] as const)('%s', (_what, options, message) => {
    let caught: unknown;
    try {
      boot(DEMO, options);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(InputError);
    const said = (caught as InputError).message;
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
    expect(said).not.toContain('--');
  });

  test('a device that is not there', () => {
    using session = boot(DEMO);
    expect(() => session.input.sendKey('a')).toThrow(
      'the machine has no keyboard: set inputs to keyboard when it boots',
    );
  });
});
