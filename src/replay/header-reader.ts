import type { BootImage } from '../ports/config.js';
import { FormatFault } from './byte-codec.js';
import type { Chunk, ChunkPlace } from './chunk-reader.js';
import type { ChunkType } from './format.js';
import { imageInFile } from './recorded-image.js';
import type { RecordingHeader } from './recording.js';
import { type HeaderContent, parseHeaderJson } from './recording-header.js';
import { MomentReader } from './saved-machine-codec.js';

/** Puts the header together from the first chunks. What is large in it is read when somebody asks for it. */
export class HeaderReader {
  #content: HeaderContent | undefined;
  readonly #images: BootImage[] = [];
  #pieces: ChunkPlace[] = [];
  #missing = 0;
  #start: MomentReader | undefined;

  /** `contentOf` reads a chunk again, and throws InputError when that fails. */
  constructor(readonly contentOf: (place: ChunkPlace) => Uint8Array) {}

  /** Throws FormatFault and InputError. */
  add(chunk: Chunk): void {
    if (chunk.type !== this.#expected) throw new FormatFault('it comes too early');
    if (!this.#content) {
      this.#content = parseHeaderJson(new TextDecoder().decode(chunk.content()));
      this.#missing = this.#content.images[0]?.length ?? 0;
      const { start } = this.#content;
      if (start !== undefined) {
        const { pages, ...about } = start;
        this.#start = new MomentReader(about, pages, this.contentOf);
      }
    } else if (chunk.type === 'state') {
      this.#start?.addState(chunk);
    } else if (chunk.type === 'pages') {
      this.#start?.addPages(chunk);
    } else {
      const length = chunk.contentLength();
      if (length === 0 || length > this.#missing) throw new FormatFault('its length does not fit the image');
      const { number, offset } = chunk;
      this.#pieces.push({ number, offset });
      this.#missing -= length;
    }
    this.#completeImages(this.#content);
  }

  /** The type of the next chunk. */
  get #expected(): ChunkType {
    if (!this.#content) return 'header';
    if (this.#images.length < this.#content.images.length) return 'image';
    return this.#start?.wantsState ? 'state' : 'pages';
  }

  /** The header, once all images are there, and the machine to start with if there is one. */
  finished(): RecordingHeader | undefined {
    const content = this.#content;
    if (!content || this.#images.length < content.images.length) return undefined;
    const start = this.#start?.finished();
    if (this.#start !== undefined && start === undefined) return undefined;
    const { config, writtenBy, layouts } = content;
    return {
      config,
      images: this.#images,
      writtenBy,
      ...(layouts === undefined ? {} : { layouts }),
      ...(start === undefined ? {} : { start }),
    };
  }

  #completeImages({ images }: HeaderContent): void {
    while (this.#images.length < images.length && this.#missing === 0) {
      this.#images.push(this.#image(images[this.#images.length], this.#pieces));
      this.#pieces = [];
      this.#missing = images[this.#images.length]?.length ?? 0;
    }
  }

  #image(
    { name, disk, address, length }: HeaderContent['images'][number],
    places: readonly ChunkPlace[],
  ): BootImage {
    const { contentOf } = this;
    const about = { name, ...(disk === undefined ? {} : { disk }), address, byteLength: length };
    return imageInFile(about, function* () {
      for (const place of places) yield contentOf(place);
    });
  }
}
