/** How numbers of things read. */

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Bytes in the largest unit that they are whole in. */
export function sizeText(bytes: number): string {
  if (bytes % MIB === 0 && bytes > 0) return `${bytes / MIB} MiB`;
  if (bytes % KIB === 0 && bytes > 0) return `${bytes / KIB} KiB`;
  return plural(bytes, 'byte');
}

export const hex = (value: number): string => `0x${value.toString(16)}`;
