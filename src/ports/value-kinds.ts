/** Kinds of values that a setting may have: what is one, and how people write it. */
import { InputError } from '../state/input-error.js';
import { GIB, KIB, MIB, plural } from './amounts.js';

/** What is a value. */
export interface ValueCheck<T> {
  /** What is allowed, in words. */
  readonly range: string;
  is(value: unknown): value is T;
}

export interface ValueKind<T> extends ValueCheck<T> {
  /** Reads what people write. Throws InputError whose message is a sentence of its own. */
  parse(text: string): T;
  /** How people write it. */
  write(value: T): string;
}

/** A whole number as users write it: 1000, 1_000, 1e3 or 0x3e8. Undefined for other text; it may be too large. */
export function wholeNumber(text: string): number | undefined {
  if (!/^(0x[0-9a-f]+(_[0-9a-f]+)*|[0-9]+(_[0-9]+)*(e[0-9]+)?)$/i.test(text)) return undefined;
  return Number(text.replaceAll('_', ''));
}

/** A value is in range, whichever way it came. */
const inRange = <T>(kind: ValueCheck<T>, value: unknown): T => {
  if (kind.is(value)) return value;
  throw new InputError(`It must be ${kind.range}.`);
};

export function integer(least: number, most = Number.MAX_SAFE_INTEGER): ValueKind<number> {
  const kind: ValueKind<number> = {
    range: most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`,
    is: (value): value is number =>
      Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    parse(text) {
      const value = wholeNumber(text);
      if (value === undefined || !Number.isSafeInteger(value))
        throw new InputError('A whole number is needed, e.g. 1000000.');
      return inRange(kind, value);
    },
    write: String,
  };
  return kind;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { G: GIB, M: MIB, K: KIB, '': 1 };

/** Bytes: a number with an optional suffix K, M or G (powers of 1024). */
export function size(unit = 1, most = Number.MAX_SAFE_INTEGER, whyMost = ''): ValueKind<number> {
  const kind: ValueKind<number> = {
    range: `a multiple of ${unit} bytes, at most ${writeSize(most)}`,
    is: (value): value is number => integer(unit, most).is(value) && value % unit === 0,
    parse(text) {
      const match = /^(\d+)([KMG]?)$/i.exec(text);
      const value = match ? Number(match[1]) * SIZE_UNITS[match[2].toUpperCase()] : Number.NaN;
      if (!Number.isSafeInteger(value) || value === 0)
        throw new InputError('A size in bytes is needed, with K, M or G as suffix, e.g. 128M.');
      if (value < unit) throw new InputError(`${plural(value, 'byte')} are less than ${unit}: ${text}M?`);
      if (value > most && whyMost !== '')
        throw new InputError(`It must be at most ${writeSize(most)}: ${whyMost}.`);
      return inRange(kind, value);
    },
    write: writeSize,
  };
  return kind;
}

function writeSize(bytes: number): string {
  const [suffix, unit] = Object.entries(SIZE_UNITS).find(([, each]) => bytes % each === 0) ?? ['', 1];
  return `${bytes / unit}${suffix}`;
}

/** `NAME=NUMBER`, as in `shift=3`. */
export function assigned(name: string, least: number, most = Number.MAX_SAFE_INTEGER): ValueKind<number> {
  const number = integer(least, most);
  return {
    ...number,
    parse(text) {
      const match = /^(\w+)=(.+)$/.exec(text);
      if (match?.[1] !== name) throw new InputError(`${name}=N is needed, e.g. ${name}=${least}.`);
      return number.parse(match[2]);
    },
    write: value => `${name}=${value}`,
  };
}

export function oneOf<const T extends string | number>(...choices: readonly T[]): ValueKind<T> {
  return {
    range: choices.join(' or '),
    is: (value): value is T => choices.some(choice => choice === value),
    parse(text) {
      const choice = choices.find(each => String(each) === text);
      if (choice === undefined) throw new InputError(`Allowed: ${choices.join(', ')}.`);
      return choice;
    },
    write: String,
  };
}

export const listed = <T>(most: number, each: ValueCheck<T>): ValueCheck<readonly T[]> => ({
  range: `a list of at most ${most}, each ${each.range}`,
  is: (value): value is readonly T[] =>
    Array.isArray(value) && value.length <= most && value.every(one => each.is(one)),
});

/** A value for each of some names. */
export const named = <T>(most: number, each: ValueCheck<T>): ValueCheck<Readonly<Record<string, T>>> => ({
  range: `at most ${most} names, each with ${each.range}`,
  is: (value): value is Readonly<Record<string, T>> =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length <= most &&
    Object.entries(value).every(([name, one]) => /^[a-z][a-z0-9]{0,31}$/.test(name) && each.is(one)),
});

export const text = (mostCharacters: number): ValueKind<string> => ({
  range: `a text of at most ${mostCharacters} characters`,
  is: (value): value is string => typeof value === 'string' && value.length <= mostCharacters,
  parse: given => given,
  write: given => given,
});

/** One word in lower case. */
export const word = (mostCharacters: number): ValueCheck<string> => ({
  range: 'a word in lower case',
  is: (value): value is string => text(mostCharacters).is(value) && /^[a-z][a-z0-9_-]*$/.test(value),
});

/** Something that is there, or not given at all. */
export const present: ValueKind<true> = {
  range: 'true',
  is: (value): value is true => value === true,
  parse: () => true,
  write: String,
};

export const yesOrNo: ValueCheck<boolean> = {
  range: 'true or false',
  is: (value): value is boolean => typeof value === 'boolean',
};
