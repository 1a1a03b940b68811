import { expect, it } from 'vitest';
import { ConsoleOutput } from '../../src/timeline/output/console-output.js';

it('who printed a text is found as by looking everywhere, in time that does not depend on what repeats', () => {
  let icount = 0;
  const output = new ConsoleOutput(
    () => {},
    () => ({ icount, cursor: 0, warpNs: 0 }),
    'main',
  );
  let state = 7;
  const random = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const printed = Array.from({ length: 400 }, () => 97 + random(2));
  for (const byte of printed) {
    output.write(byte);
    icount += random(2);
  }
  const text = String.fromCharCode(...printed);
  icount = 0;
  const steps = new Map<number, number>();
  state = 7;
  for (let i = 0; i < 400; i++) random(2);
  for (let i = 0; i < 400; i++) {
    steps.set(i, icount);
    icount += random(2);
  }
  for (let round = 0; round < 500; round++) {
    const wanted = String.fromCharCode(...Array.from({ length: 1 + random(9) }, () => 97 + random(2)));
    const before = random(220);
    let found: number | undefined;
    for (let at = 0; at + wanted.length <= text.length; at++) {
      const last = steps.get(at + wanted.length - 1)!;
      if (last < before && text.startsWith(wanted, at)) found = last;
    }
    expect([round, output.lastPrinted(wanted, before)]).toEqual([round, found]);
  }
});

it('a megabyte of one letter is searched for a thousand of it and another', () => {
  let icount = 0;
  const output = new ConsoleOutput(
    () => {},
    () => ({ icount: icount++, cursor: 0, warpNs: 0 }),
    'main',
  );
  for (let i = 0; i < 2 ** 20; i++) output.write(97);
  expect(output.lastPrinted(`b${'a'.repeat(1000)}`, Number.POSITIVE_INFINITY)).toBeUndefined();
  expect(output.lastPrinted('a'.repeat(1000), 5000)).toBe(4999);
});

it('what is not remembered any more is said to be so', () => {
  let icount = 0;
  const output = new ConsoleOutput(
    () => {},
    () => ({ icount, cursor: 0, warpNs: 0 }),
    'main',
  );
  const print = (text: string) => {
    for (const letter of text) {
      icount++;
      output.write(letter.charCodeAt(0));
    }
  };
  print('early');
  print('x'.repeat(2 ** 22 - 5));
  expect(output.lastPrinted('early', icount + 1)).toBe(5);
  expect(output.rememberedFrom).toBeUndefined();
  print('y');
  expect(output.lastPrinted('early', icount + 1)).toBeUndefined();
  expect(output.rememberedFrom).toBe(2 ** 21 + 1);
  output.onBranch('branch1', { icount, cursor: 0, warpNs: 0 });
  expect(output.rememberedFrom).toBe(2 ** 21 + 1);
});
