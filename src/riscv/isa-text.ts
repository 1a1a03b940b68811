/**
 * ISA strings (unprivileged spec, chapter "ISA extension naming conventions"), in recordings, device trees and
 * options.
 */
import { InputError } from '../state/input-error.js';
import { byPlace, conflictIn, EXTENSIONS, extensionNamed, withImplied } from './extensions.js';
import type { HartConfig } from './privileged.js';

/** What an ISA string names, before anything is known of the names. */
export interface NamedIsa {
  readonly xlen: 32 | 64;
  readonly names: readonly string[];
}

export function namesIn(text: string): NamedIsa | undefined {
  const match = /^rv(32|64)([a-z]+)((?:_[a-z][a-z0-9]+)*)$/.exec(text);
  if (match === null) return undefined;
  const letters = match[2].replace('g', 'imafd');
  return {
    xlen: match[1] === '64' ? 64 : 32,
    names: [...letters, ...match[3].split('_').filter(name => name !== '')],
  };
}

/**
 * What a hart of this ISA string has. The letters `s` and `u` stand for the modes, as in misa: `rv64imacsu` has page
 * tables. What every hart has need not be named.
 */
export function parseIsa(text: string): HartConfig {
  const named = namesIn(text);
  if (named === undefined) throw new InputError(`not an ISA string: ${text}`);
  return hartWith(named);
}

/** Throws InputError for what cannot be. */
export function hartWith({ xlen, names }: NamedIsa): HartConfig {
  const lacking = names.filter(name => extensionNamed(name) === undefined);
  if (lacking.length > 0)
    throw new InputError(`no CPU here has ${lacking.join(', ')}: there ${presentNames()}`);
  const every = EXTENSIONS.filter(({ since }) => since === 'every').map(({ name }) => name);
  const extensions = withImplied([...names, ...every], xlen);
  const conflict = conflictIn(extensions);
  if (conflict !== undefined) throw new InputError(`no CPU has both ${conflict[0]} and ${conflict[1]}`);
  const wrong = EXTENSIONS.find(one => extensions.has(one.name) && (one.xlen ?? xlen) !== xlen);
  if (wrong !== undefined) throw new InputError(`${wrong.name} is for harts of ${wrong.xlen} bits`);
  return { xlen, extensions };
}

/** Those of all rows, for messages. */
export const presentNames = (): string => `is ${EXTENSIONS.map(({ name }) => name).join(' ')}`;

/** The ISA string that names all that a hart has. */
export function isaText({ xlen, extensions }: HartConfig): string {
  const names = [...extensions].sort(byPlace);
  const letters = names.filter(name => name.length === 1);
  const words = names.filter(name => name.length > 1);
  return [`rv${xlen}${letters.join('')}`, ...words].join('_');
}

/** The extensions that device trees list: modes are none there. */
export const describedExtensions = (isa: string): string[] =>
  [...parseIsa(isa).extensions].filter(name => extensionNamed(name)?.mode !== true).sort(byPlace);

/** The ISA string as device trees have it: modes are no extensions there. */
export const deviceTreeIsa = (isa: string): string =>
  isa.replace(
    /^(rv(?:32|64))([a-z]+)/,
    (_, base: string, letters: string) => base + letters.replace(/[su]/g, ''),
  );
