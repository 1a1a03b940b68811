/** Flattened device tree writer, version 17 (Devicetree Specification 0.4, chapter 5). */

/** A property's value: cells, strings, bytes, or `true` for an empty property. */
export type TreeValue =
  | { readonly cells: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly bytes: Uint8Array }
  | true;

export interface TreeNode {
  readonly name: string;
  readonly properties: Readonly<Record<string, TreeValue>>;
  readonly children: readonly TreeNode[];
}

/** 32-bit cells; values are taken modulo 2^32. */
export const cells = (...values: number[]): TreeValue => ({ cells: values });
export const strings = (...values: string[]): TreeValue => ({ strings: values });
/** A number below 2^53 as two cells, high word first. */
export const cells64 = (...values: number[]): TreeValue => ({
  cells: values.flatMap(value => [Math.floor(value / 2 ** 32), value % 2 ** 32]),
});

export const node = (
  name: string,
  properties: Readonly<Record<string, TreeValue>>,
  children: readonly TreeNode[] = [],
): TreeNode => ({ name, properties, children });

const MAGIC = 0xd00d_feed;
const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const HEADER_BYTES = 40;
/** One entry of zeros ends the (empty) memory reservation block. */
const RESERVATIONS_BYTES = 16;

const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const END = 9;

/** The blob for `root`, with no slack; boot hart 0. */
export function writeDeviceTree(root: TreeNode): Uint8Array {
  const structure = new Cells();
  const names = new Names();
  writeNode(root, structure, names);
  structure.word(END);

  const structureAt = HEADER_BYTES + RESERVATIONS_BYTES;
  const namesAt = structureAt + structure.bytes.length;
  const header = new Cells();
  for (const word of [
    MAGIC,
    namesAt + names.bytes.length,
    structureAt,
    namesAt,
    HEADER_BYTES,
    VERSION,
    LAST_COMPATIBLE_VERSION,
    0,
    names.bytes.length,
    structure.bytes.length,
  ])
    header.word(word);
  const blob = new Uint8Array(namesAt + names.bytes.length);
  blob.set(header.bytes);
  blob.set(structure.bytes, structureAt);
  blob.set(names.bytes, namesAt);
  return blob;
}

/** Big-endian words and padded bytes. */
class Cells {
  readonly bytes: number[] = [];

  word(value: number): void {
    this.bytes.push((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  }

  padded(bytes: Iterable<number>): void {
    this.bytes.push(...bytes);
    while (this.bytes.length % 4 !== 0) this.bytes.push(0);
  }
}

/** The strings block: each property name once. */
class Names {
  readonly bytes: number[] = [];
  readonly #offsets = new Map<string, number>();

  offset(name: string): number {
    let offset = this.#offsets.get(name);
    if (offset === undefined) {
      offset = this.bytes.length;
      this.#offsets.set(name, offset);
      this.bytes.push(...terminated(name));
    }
    return offset;
  }
}

function writeNode({ name, properties, children }: TreeNode, out: Cells, names: Names): void {
  out.word(BEGIN_NODE);
  out.padded(terminated(name));
  for (const [property, value] of Object.entries(properties)) {
    const bytes = encode(value);
    out.word(PROPERTY);
    out.word(bytes.length);
    out.word(names.offset(property));
    out.padded(bytes);
  }
  for (const child of children) writeNode(child, out, names);
  out.word(END_NODE);
}

function encode(value: TreeValue): readonly number[] {
  if (value === true) return [];
  if ('bytes' in value) return [...value.bytes];
  if ('strings' in value) return value.strings.flatMap(terminated);
  const out = new Cells();
  for (const cell of value.cells) out.word(cell);
  return out.bytes;
}

function terminated(text: string): number[] {
  return [...new TextEncoder().encode(text), 0];
}
