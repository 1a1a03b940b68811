/**
 * One declaration for each piece of machine state.
 *
 * A layout lists fields once; offsets, accessors, reset values, snapshots (a copy of the bytes),
 * readable differences and dumps all come from it. State that is not declared cannot be saved,
 * so it must not exist.
 */

export type ElementType = 'u8' | 'u16' | 'u32' | 'f64';

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { u8: 1, u16: 2, u32: 4, f64: 8 };

/** A single number. `f64` holds counts and times: exact integers up to 2^53, or Infinity. */
export interface ScalarField {
  readonly shape: 'scalar';
  readonly type: ElementType;
  readonly reset: number;
}

/** A fixed number of elements, seen as a typed array. */
export interface ArrayField<View> {
  readonly shape: 'array';
  readonly type: ElementType;
  readonly count: number;
  readonly reset: readonly number[];
  /** How a dump shows it: 64-bit values are pairs of u32, low word first. */
  readonly pairs: boolean;
  readonly view?: View;
}

export type Field = ScalarField | ArrayField<Uint8Array | Uint16Array | Uint32Array | Float64Array>;
export type Fields = Readonly<Record<string, Field>>;

export type Bound<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends ScalarField ? number : F[K] extends ArrayField<infer V> ? V : never;
};

const scalar =
  (type: ElementType) =>
  (reset = 0): ScalarField => ({ shape: 'scalar', type, reset });

const array =
  <View>(type: ElementType, width = 1) =>
  (count: number, reset: readonly number[] = []): ArrayField<View> => ({
    shape: 'array',
    type,
    count: count * width,
    reset,
    pairs: width === 2,
  });

export const u8 = scalar('u8');
export const u16 = scalar('u16');
export const u32 = scalar('u32');
/** A count or a time: integer up to 2^53, or Infinity for "never". */
export const count = scalar('f64');
export const bytes = array<Uint8Array>('u8');
export const halves = array<Uint16Array>('u16');
export const words = array<Uint32Array>('u32');
export const counts = array<Float64Array>('f64');
/** 64-bit values as pairs of u32: element 2i is the low word of value i, 2i+1 its high word. */
export const u64s = array<Uint32Array>('u32', 2);
/** One 64-bit value, as [low, high]. */
export const u64 = (low = 0, high = 0): ArrayField<Uint32Array> => u64s(1, [low, high]);

interface PlacedField {
  readonly name: string;
  readonly field: Field;
  readonly offset: number;
  readonly byteLength: number;
}

/** A named list of fields with offsets. Every layout is 8-byte aligned and a multiple of 8 bytes long. */
export class Layout<F extends Fields = Fields> {
  readonly fields: readonly PlacedField[];
  readonly byteLength: number;
  readonly #offsets = new Map<string, number>();
  /** What all that is bound inherits: properties of its own, so many, would make each object a slow dictionary. */
  readonly #accessors: object = {};

  constructor(
    readonly name: string,
    fields: F,
  ) {
    let offset = 0;
    this.fields = Object.entries(fields).map(([fieldName, field]) => {
      const size = ELEMENT_BYTES[field.type];
      // Pairs of u32 are read as wasm i64: keep them naturally aligned.
      const align = field.shape === 'array' && field.pairs ? 8 : size;
      offset = Math.ceil(offset / align) * align;
      const byteLength = size * (field.shape === 'array' ? field.count : 1);
      const placed = { name: fieldName, field, offset, byteLength };
      this.#offsets.set(fieldName, offset);
      offset += byteLength;
      return placed;
    });
    this.byteLength = Math.ceil(offset / 8) * 8;
    this.fields.forEach(({ name: field, field: { shape } }, index) => {
      Object.defineProperty(this.#accessors, field, shape === 'array' ? arrayOf(index) : scalarOf(index));
    });
  }

  /** Byte offset of a field from the start of the layout; the engine turns it into a wasm address. */
  offsetOf(field: keyof F & string): number {
    const offset = this.#offsets.get(field);
    if (offset === undefined) throw new Error(`layout ${this.name} has no field ${field}`);
    return offset;
  }

  /** Accessors over `buffer` at byte `base`: scalars as properties, arrays as typed array views. */
  bind(buffer: ArrayBufferLike, base: number): Bound<F> {
    const views = this.fields.map(({ field, offset }) =>
      viewOf(field.type, buffer, base + offset, field.shape === 'array' ? field.count : 1),
    );
    const target: Viewed = Object.create(this.#accessors, { views: { value: views } });
    return target as unknown as Bound<F>;
  }

  /** Makes one bound state equal to another. */
  copy(from: Bound<F>, to: Bound<F>): void {
    const [source, target] = [from as unknown as Viewed, to as unknown as Viewed];
    for (const [index, view] of target.views.entries()) view.set(source.views[index]);
  }

  /** Writes every field's reset value. */
  reset(buffer: ArrayBufferLike, base: number): void {
    new Uint8Array(buffer, base, this.byteLength).fill(0);
    for (const { field, offset } of this.fields) {
      const view = viewOf(
        field.type,
        buffer,
        base + offset,
        field.shape === 'array' ? Math.max(field.count, field.reset.length) : 1,
      );
      if (field.shape === 'array') view.set(field.reset);
      else view[0] = field.reset;
    }
  }
}

/** The accessors of a layout, e.g. `StateOf<typeof UART_STATE>`. */
export type StateOf<L extends { bind(buffer: ArrayBufferLike, base: number): unknown }> = ReturnType<
  L['bind']
>;

export function defineState<F extends Fields>(name: string, fields: F): Layout<F> {
  return new Layout(name, fields);
}

/** A bound state: one view for each field, in their order. */
interface Viewed {
  readonly views: readonly (Uint8Array | Uint16Array | Uint32Array | Float64Array)[];
}

const arrayOf = (index: number): PropertyDescriptor & ThisType<Viewed> => ({
  enumerable: true,
  get() {
    return this.views[index];
  },
});

const scalarOf = (index: number): PropertyDescriptor & ThisType<Viewed> => ({
  enumerable: true,
  get() {
    return this.views[index][0];
  },
  set(value: number) {
    this.views[index][0] = value;
  },
});

function viewOf(
  type: ElementType,
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
): Uint8Array | Uint16Array | Uint32Array | Float64Array {
  switch (type) {
    case 'u8':
      return new Uint8Array(buffer, offset, length);
    case 'u16':
      return new Uint16Array(buffer, offset, length);
    case 'u32':
      return new Uint32Array(buffer, offset, length);
    case 'f64':
      return new Float64Array(buffer, offset, length);
  }
}

/** A field whose value differs between two states, for divergence reports and tests. */
export interface FieldDifference {
  readonly component: string;
  readonly field: string;
  /** Element index of an array field (64-bit value index for pairs), else undefined. */
  readonly index: number | undefined;
  readonly left: string;
  readonly right: string;
}

/** Where one component's state stands within the machine's declared state. */
export interface Component<L extends Layout = Layout> {
  readonly name: string;
  readonly layout: L;
  /** Byte offset from the start of the declared state. */
  readonly offset: number;
}

/**
 * The declared state of a whole machine: components one after the other.
 * Add all components, then place the plan over memory.
 */
export class StatePlan {
  readonly components: Component[] = [];
  byteLength = 0;

  /** Reserves room for a component and returns where it stands. */
  add<L extends Layout>(name: string, layout: L): Component<L> {
    const component = { name, layout, offset: this.byteLength };
    this.components.push(component);
    this.byteLength += layout.byteLength;
    return component;
  }

  reset(buffer: ArrayBufferLike, base: number): void {
    for (const { layout, offset } of this.components) layout.reset(buffer, base + offset);
  }

  /** The fields in which two copies of the declared state differ, at most `limit` of them. */
  differences(left: Uint8Array, right: Uint8Array, limit = 16): FieldDifference[] {
    const found: FieldDifference[] = [];
    for (const { name, layout, offset } of this.components) {
      for (const placed of layout.fields) {
        const at = offset + placed.offset;
        const a = elements(left, at, placed.field);
        const b = elements(right, at, placed.field);
        for (let i = 0; i < a.length; i++) {
          if (a[i] === b[i]) continue;
          if (found.length === limit) return found;
          const index = placed.field.shape === 'array' && a.length > 1 ? i : undefined;
          found.push({ component: name, field: placed.name, index, left: a[i], right: b[i] });
        }
      }
    }
    return found;
  }

  /** The declared state as text, one line for each field. */
  dump(state: Uint8Array): string[] {
    return this.components.flatMap(({ name, layout, offset }) =>
      layout.fields.map(f => `${name}.${f.name} = ${elements(state, offset + f.offset, f.field).join(' ')}`),
    );
  }
}

function elements(state: Uint8Array, offset: number, field: Field): string[] {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const n = field.shape === 'array' ? field.count : 1;
  const texts: string[] = [];
  if (field.shape === 'array' && field.pairs) {
    for (let i = 0; i < n; i += 2) {
      const low = view.getUint32(offset + i * 4, true);
      const high = view.getUint32(offset + i * 4 + 4, true);
      texts.push(`0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`.replace(/^0x0+(?=.)/, '0x'));
    }
    return texts;
  }
  const size = ELEMENT_BYTES[field.type];
  for (let i = 0; i < n; i++) {
    const at = offset + i * size;
    if (field.type === 'f64') texts.push(String(view.getFloat64(at, true)));
    else if (size === 1) texts.push(`0x${view.getUint8(at).toString(16)}`);
    else if (size === 2) texts.push(`0x${view.getUint16(at, true).toString(16)}`);
    else texts.push(`0x${view.getUint32(at, true).toString(16)}`);
  }
  return texts;
}
