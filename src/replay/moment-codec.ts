/** The machine at which a recording starts, as it stands in its chunks. */
import type { ElementType } from '../state/layout.js';
import type {
  MachineMoment,
  MemoryArea,
  SavedComponent,
  SavedField,
  SavedPage,
} from '../state/saved-state.js';
import { ByteReader, ByteWriter, FormatFault } from './byte-codec.js';

/** Numbers never change once released. */
export const ELEMENT_TYPES: readonly ElementType[] = ['u8', 'u16', 'u32', 'f64'];
export const MEMORY_AREAS: readonly MemoryArea[] = ['ram', 'rom', 'disks'];

export const PAGE_BYTES = 4096;
/** An area, a page number and the page: no chunk is longer than 1 MiB. */
const PAGES_IN_CHUNK = 250;

export function encodeState(components: readonly SavedComponent[]): Uint8Array {
  const out = new ByteWriter();
  for (const { name, fields } of components) {
    out.text(name);
    out.varint(fields.length);
    for (const field of fields) {
      out.text(field.name);
      out.u8(ELEMENT_TYPES.indexOf(field.type));
      out.block(field.bytes);
    }
  }
  return out.take();
}

/** Throws FormatFault. */
export function decodeState(content: Uint8Array): SavedComponent[] {
  const from = new ByteReader(content);
  const components: SavedComponent[] = [];
  while (from.remaining > 0) {
    const name = from.text();
    const count = from.varint();
    if (count > from.remaining) throw new FormatFault('its content ends too early');
    const fields = Array.from({ length: count }, (): SavedField => {
      const field = from.text();
      const type = ELEMENT_TYPES[from.u8()];
      if (type === undefined) throw new FormatFault(`${name}.${field} has an unknown type`);
      return { name: field, type, bytes: from.block() };
    });
    components.push({ name, fields });
  }
  return components;
}

/** Contents of as many chunks as the pages take. */
export function* encodePages(pages: readonly SavedPage[]): Generator<Uint8Array> {
  const out = new ByteWriter();
  for (let from = 0; from < pages.length; from += PAGES_IN_CHUNK) {
    for (const { area, page, bytes } of pages.slice(from, from + PAGES_IN_CHUNK)) {
      out.u8(MEMORY_AREAS.indexOf(area));
      out.varint(page);
      out.raw(bytes);
    }
    yield out.take();
  }
}

/** Puts a moment together from its chunks' contents. */
export class MomentReader {
  #components: SavedComponent[] | undefined;
  readonly #pages: SavedPage[] = [];
  /** Area and page of the last one, as one number that ascends. */
  #last = -1;

  constructor(
    readonly about: Omit<MachineMoment, 'components' | 'pages'>,
    readonly pageCount: number,
  ) {}

  /** Whether the state is still to come, which is before the pages. */
  get wantsState(): boolean {
    return this.#components === undefined;
  }

  addState(content: Uint8Array): void {
    this.#components = decodeState(content);
  }

  /** Throws FormatFault. */
  addPages(content: Uint8Array): void {
    const from = new ByteReader(content);
    do {
      const number = from.u8();
      const area = MEMORY_AREAS[number];
      const page = from.varint();
      if (area === undefined || page >= 2 ** 32) throw new FormatFault('it holds a page of nowhere');
      const place = number * 2 ** 32 + page;
      if (place <= this.#last) throw new FormatFault('its pages are out of order');
      this.#last = place;
      from.skip(PAGE_BYTES);
      // The content is not kept for anything else: no copy is needed.
      this.#pages.push({ area, page, bytes: content.subarray(from.offset - PAGE_BYTES, from.offset) });
    } while (from.remaining > 0);
    if (this.#pages.length > this.pageCount) throw new FormatFault('it holds more pages than there are');
  }

  /** The moment, once all of it is there. */
  finished(): MachineMoment | undefined {
    const components = this.#components;
    if (components === undefined || this.#pages.length < this.pageCount) return undefined;
    return { ...this.about, components, pages: this.#pages };
  }
}
