/** Declared state that tells what it is made of, so that a later declaration of the same component can take it. */
import { InputError } from './input-error.js';
import { ELEMENT_BYTES, type ElementType, type StatePlan } from './layout.js';

/** One field's elements, low byte first. */
export interface SavedField {
  readonly name: string;
  readonly type: ElementType;
  readonly bytes: Uint8Array;
}

export interface SavedComponent {
  readonly name: string;
  readonly fields: readonly SavedField[];
}

/** Where a page of a machine's memory stands. `disks`: what disks keep of the guest's writes, as disk.ts says. */
export type MemoryArea = 'ram' | 'rom' | 'disks';

export interface SavedPage {
  readonly area: MemoryArea;
  /** Counted from the first page of the area. */
  readonly page: number;
  /** 4096 of them. */
  readonly bytes: Uint8Array;
}

/** Pages in order; perhaps read from a file each time that somebody goes over them. */
export interface SavedPages extends Iterable<SavedPage> {
  readonly length: number;
}

/** A machine at a boundary, as data that other versions of this one can take up. */
export interface MachineMoment {
  readonly icount: number;
  readonly virtualNs: number;
  /** Name of the snapshot that it was. */
  readonly snapshot?: string;
  /** All of the declared state, what is queued or in flight included. */
  readonly components: readonly SavedComponent[];
  /** Memory where it is not as the boot images leave it, area by area, in ascending order. */
  readonly pages: SavedPages;
}

/** All of a machine's declared state, of which `state` is the present bytes. */
export function saveState(plan: StatePlan, state: Uint8Array): SavedComponent[] {
  return plan.components.map(({ name, layout, offset }) => ({
    name,
    fields: layout.fields.map(placed => ({
      name: placed.name,
      type: placed.field.type,
      bytes: state.slice(offset + placed.offset, offset + placed.offset + placed.byteLength),
    })),
  }));
}

/**
 * The bytes of a state that was saved, perhaps by another version. What has come to be declared since is as after
 * a reset. Throws InputError for what is no longer declared, or otherwise.
 */
export function loadState(plan: StatePlan, saved: readonly SavedComponent[]): Uint8Array {
  const state = new Uint8Array(plan.byteLength);
  plan.reset(state.buffer, 0);
  const components = new Map(plan.components.map(component => [component.name, component]));
  for (const { name, fields } of saved) {
    const component = components.get(name);
    if (component === undefined) throw new InputError(`this machine has no component ${name}`);
    for (const field of fields) {
      const placed = component.layout.fields.find(declared => declared.name === field.name);
      const what = `${name}.${field.name}`;
      if (placed === undefined) throw new InputError(`this machine has no field ${what}`);
      if (placed.field.type !== field.type || placed.byteLength !== field.bytes.length) {
        throw new InputError(
          `${what} is ${describe(field.type, field.bytes.length)}, but must be ${describe(placed.field.type, placed.byteLength)}`,
        );
      }
      if (field.type === 'f64') checkCounts(what, field.bytes);
      state.set(field.bytes, component.offset + placed.offset);
    }
  }
  return state;
}

const describe = (type: ElementType, byteLength: number): string =>
  `${byteLength / ELEMENT_BYTES[type]} of ${type}`;

/** Counts and times are integers up to 2^53, or Infinity. */
function checkCounts(what: string, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += 8) {
    const value = view.getFloat64(at, true);
    if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw new InputError(`${what} holds ${value}, which is no count`);
  }
}
