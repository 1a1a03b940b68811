import { toHex } from '../ports/bytes-text.js';
import type { StatePlan } from '../state/layout.js';
import { crc32, littleEndian } from './checksum.js';

/** How each component's state is declared, as 8 hexadecimal digits: equal for equal declarations. */
export type StateLayouts = Readonly<Record<string, string>>;

const utf8 = new TextEncoder();

export function stateLayouts(plan: StatePlan): StateLayouts {
  return Object.fromEntries(
    plan.components.map(({ name, layout }) => {
      const fields = layout.fields.map(({ name: field, field: { shape, type }, offset, byteLength }) =>
        [field, shape, type, offset, byteLength].join(' '),
      );
      return [name, toHex(littleEndian(crc32(utf8.encode(fields.join('\n')))).reverse())];
    }),
  );
}

/**
 * Components that two machines declare differently: their digests say nothing about each other. None when it is
 * not known how one of them declares its state.
 */
export function unlikeLayouts(left: StateLayouts | undefined, right: StateLayouts | undefined): string[] {
  if (left === undefined || right === undefined) return [];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].filter(name => left[name] !== right[name]);
}
