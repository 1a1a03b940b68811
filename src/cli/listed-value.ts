/** Values with settings behind them: `FILE[,format=F][,slot=N]`. */
import { InvalidArgumentError } from 'commander';
import { VIRTIO_SLOTS } from '../ports/settings.js';

/** The parts between commas. As in QEMU, two commas are one that is no border. */
export function partsOf(text: string): readonly string[] {
  const parts = [''];
  for (const piece of text.match(/,,|,|[^,]+/g) ?? []) {
    if (piece === ',') parts.push('');
    else parts[parts.length - 1] += piece === ',,' ? ',' : piece;
  }
  return parts;
}

/** A value and the settings behind it, as text. */
export interface ListedValue<K extends string> {
  readonly value: string;
  readonly settings: { readonly [N in K]?: string };
}

/** Reads a value and settings of these names, each once at most. */
export function parseListed<const K extends string>(text: string, ...names: readonly K[]): ListedValue<K> {
  const [value, ...rest] = partsOf(text);
  const settings: { [N in K]?: string } = {};
  for (const part of rest) {
    const name = names.find(one => part.startsWith(`${one}=`));
    if (name === undefined)
      throw new InvalidArgumentError(
        `Behind a comma stands ${names.map(one => `${one}=`).join(' or ')}, not ${part}; a comma of a file's name is written twice.`,
      );
    if (settings[name] !== undefined) throw new InvalidArgumentError(`${name} is given twice.`);
    settings[name] = part.slice(name.length + 1);
  }
  return { value, settings };
}

/** Where a device stands among the slots of virtio; undefined: where there is room. */
export function parseSlot(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const slot = /^\d+$/.test(text) ? Number(text) : VIRTIO_SLOTS;
  if (slot < VIRTIO_SLOTS) return slot;
  throw new InvalidArgumentError(`A slot of virtio is a number from 0 to ${VIRTIO_SLOTS - 1}, not ${text}.`);
}

/** A virtio device's place; undefined: where there is room. */
export interface Placed {
  readonly slot: number | undefined;
}
