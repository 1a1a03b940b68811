/** The machine at which a recording starts, as it stands in its chunks. */
import type { ElementType } from '../state/layout.js';
import type {
  MachineMoment,
  MemoryArea,
  SavedComponent,
  SavedField,
  SavedPage,
  SavedPages,
} from '../state/saved-state.js';
import { ByteReader, ByteWriter, FormatFault } from './byte-codec.js';
import type { Chunk, ChunkPlace } from './chunk-reader.js';
import { MOST_COMPONENTS, MOST_NAME_BYTES } from './limits.js';

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
function decodeState(content: Uint8Array): SavedComponent[] {
  const from = new ByteReader(content);
  const components: SavedComponent[] = [];
  while (from.remaining > 0) {
    if (components.length === MOST_COMPONENTS) throw new FormatFault('it has too many components');
    const name = from.text(MOST_NAME_BYTES);
    const count = from.varint();
    if (count > from.remaining) throw new FormatFault('its content ends too early');
    const fields = Array.from({ length: count }, (): SavedField => {
      const field = from.text(MOST_NAME_BYTES);
      const type = ELEMENT_TYPES[from.u8()];
      if (type === undefined) throw new FormatFault(`${name}.${field} has an unknown type`);
      return { name: field, type, bytes: from.block() };
    });
    components.push({ name, fields });
  }
  return components;
}

/** Contents of as many chunks as the pages take. */
export function* encodePages(pages: SavedPages): Generator<Uint8Array> {
  const out = new ByteWriter();
  let count = 0;
  for (const { area, page, bytes } of pages) {
    out.u8(MEMORY_AREAS.indexOf(area));
    out.varint(page);
    out.raw(bytes);
    if (++count % PAGES_IN_CHUNK === 0) yield out.take();
  }
  if (out.length > 0) yield out.take();
}

/** Throws FormatFault. */
function* decodePages(content: Uint8Array): Generator<SavedPage> {
  const from = new ByteReader(content);
  do {
    const area = MEMORY_AREAS[from.u8()];
    const page = from.varint();
    if (area === undefined || page >= 2 ** 32) throw new FormatFault('it holds a page of nowhere');
    from.skip(PAGE_BYTES);
    yield { area, page, bytes: content.subarray(from.offset - PAGE_BYTES, from.offset) };
  } while (from.remaining > 0);
}

/** Puts a moment together from its chunks. */
export class MomentReader {
  #components: SavedComponent[] | undefined;
  #pages = 0;
  readonly #places: ChunkPlace[] = [];
  /** Area and page of the last one, as one number that ascends. */
  #last = -1;

  constructor(
    readonly about: Omit<MachineMoment, 'components' | 'pages'>,
    readonly pageCount: number,
    /** Reads a chunk again; throws InputError when that fails. */
    readonly contentOf: (place: ChunkPlace) => Uint8Array,
  ) {}

  /** Whether the state is still to come, which is before the pages. */
  get wantsState(): boolean {
    return this.#components === undefined;
  }

  /** Throws FormatFault. */
  addState(chunk: Chunk): void {
    this.#components = decodeState(chunk.content());
  }

  /** Throws FormatFault. */
  addPages(chunk: Chunk): void {
    for (const { area, page } of decodePages(chunk.content())) {
      const place = MEMORY_AREAS.indexOf(area) * 2 ** 32 + page;
      if (place <= this.#last) throw new FormatFault('its pages are out of order');
      this.#last = place;
      this.#pages++;
    }
    if (this.#pages > this.pageCount) throw new FormatFault('it holds more pages than there are');
    const { number, offset } = chunk;
    this.#places.push({ number, offset });
  }

  /** The moment, once all of it is there. */
  finished(): MachineMoment | undefined {
    const components = this.#components;
    if (components === undefined || this.#pages < this.pageCount) return undefined;
    const [places, { contentOf }, length] = [this.#places, this, this.#pages];
    const pages = {
      length,
      *[Symbol.iterator]() {
        for (const place of places) yield* decodePages(contentOf(place));
      },
    };
    return { ...this.about, components, pages };
  }
}
