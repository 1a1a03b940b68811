import type { BootImage } from '../ports/config.js';
import type { LoggedEvent } from '../ports/input-event.js';
import { InputError } from '../state/input-error.js';
import { ByteWriter } from './byte-codec.js';
import { CheckpointEncoder, encodeChain } from './checkpoint-codec.js';
import { ChunkWriter } from './chunk-writer.js';
import { encodeEnd } from './end-kinds.js';
import { encodeEvent } from './event-codec.js';
import { IMAGE_PIECE_BYTES } from './format.js';
import { MOST_CONTENT, MOST_EVENT_BYTES } from './limits.js';
import { imageLength, imagePieces } from './recorded-image.js';
import {
  type ByteSink,
  type Checkpoint,
  type RecordedExtra,
  type Recording,
  type RecordingEnd,
  type RecordingHeader,
  startIcount,
} from './recording.js';
import { headerJson, parseHeaderJson } from './recording-header.js';
import { encodePages, encodeState } from './saved-machine-codec.js';

/** Larger images (kernels, mostly compressed inside) are stored as they are: deflate took a third of a boot's time. */
const MOST_TO_COMPRESS = 2 << 20;

/** Buffered events beyond this many bytes are written without waiting for flush. */
const MOST_BUFFERED_BYTES = 64 * 1024;

/**
 * Writes a recording as it happens. What was flushed survives the recorder's death, so call `flush` at least
 * once each second of host time. Calls come in the order of time; an icount that goes backwards throws Error.
 * The sink stays open: who opened it closes it.
 */
export class LogWriter {
  readonly #chunks: ChunkWriter;
  readonly #checkpoints = new CheckpointEncoder();
  readonly #events = new ByteWriter();
  readonly #content = new ByteWriter();
  #icount: number;
  #ended = false;

  /** Writes the header at once. Throws InputError for a configuration that the format cannot hold. */
  constructor(sink: ByteSink, header: RecordingHeader) {
    const json = new TextEncoder().encode(headerJson(header));
    if (json.length > MOST_CONTENT.header)
      throw new InputError(
        `the settings and the ${header.images.length} images are too many for a recording`,
      );
    parseHeaderJson(new TextDecoder().decode(json));
    const { start } = header;
    this.#icount = startIcount(header);
    this.#chunks = new ChunkWriter(sink);
    this.#chunks.write('header', json);
    for (const image of header.images) this.#image(image);
    if (start === undefined) return;
    this.#chunks.write('state', encodeState(start.components));
    for (const content of encodePages(start.pages)) this.#chunks.write('pages', content);
  }

  #image(image: BootImage): void {
    const compressing = imageLength(image) <= MOST_TO_COMPRESS;
    for (const piece of imagePieces(image)) {
      for (let at = 0; at < piece.length; at += IMAGE_PIECE_BYTES)
        this.#chunks.write('image', piece.subarray(at, at + IMAGE_PIECE_BYTES), compressing);
    }
  }

  /** Everything up to here is recorded, once flushed. */
  get icount(): number {
    return this.#icount;
  }

  /** Bytes handed to the sink so far, for size limits. */
  get bytesWritten(): number {
    return this.#chunks.bytesWritten;
  }

  /**
   * Adds an input event; it is written at the next flush. Throws RangeError for one that the format cannot
   * hold, and then adds nothing.
   */
  event(logged: LoggedEvent): void {
    this.#add(this.#events, logged.icount, out => {
      const before = out.length;
      encodeEvent(out, logged.event);
      if (out.length - before > MOST_EVENT_BYTES) throw new RangeError('an input of too many bytes');
    });
    if (this.#events.length > MOST_BUFFERED_BYTES) this.flush();
  }

  /** Writes a checkpoint, and all events before it. Events of the same icount that follow make it void. */
  checkpoint(checkpoint: Checkpoint): void {
    this.flush();
    this.#add(this.#content, checkpoint.icount, out =>
      this.#checkpoints.encode(out, this.#chunks.chain, checkpoint),
    );
    this.#chunks.write('checkpoint', this.#content.take());
  }

  /** Notes that everything up to `icount` is recorded. Writes nothing if the file says so already. */
  progress(icount: number): void {
    const known = icount === this.#icount;
    this.flush();
    this.#add(this.#content, icount);
    const content = this.#content.take();
    if (!known) this.#chunks.write('progress', content);
  }

  /** Writes the end; for kind `cut` only the progress. Nothing may be added afterwards. */
  end(end: RecordingEnd): void {
    if (end.kind === 'cut') {
      this.progress(end.icount);
    } else {
      this.flush();
      this.#add(this.#content, end.icount, out => {
        encodeChain(out, this.#chunks.chain);
        encodeEnd(out, end);
      });
      this.#chunks.write('end', this.#content.take());
    }
    this.#ended = true;
  }

  /** What a recording carries beside its history. Throws RangeError for what the format cannot hold. */
  extra({ type, content }: RecordedExtra): void {
    this.flush();
    this.#chunks.writeOptional(type, content);
  }

  /** Hands buffered events to the sink as one chunk. */
  flush(): void {
    if (this.#events.length > 0) this.#chunks.write('events', this.#events.take());
  }

  /** All or nothing: what cannot be encoded must not spoil what was recorded before. */
  #add(out: ByteWriter, icount: number, encode?: (out: ByteWriter) => void): void {
    if (this.#ended) throw new Error('the recording has ended');
    if (!Number.isSafeInteger(icount) || icount < this.#icount)
      throw new Error(`recorded out of order: icount ${icount} after ${this.#icount}`);
    const length = out.length;
    try {
      out.varint(icount - this.#icount);
      encode?.(out);
    } catch (error) {
      out.truncate(length);
      throw error;
    }
    this.#icount = icount;
  }
}

/** Writes a whole recording, for `history save`. Reading it back gives an equal one. */
export function writeRecording(sink: ByteSink, recording: Recording): void {
  const { header, events, checkpoints, end, extras = [] } = recording;
  const writer = new LogWriter(sink, header);
  for (const extra of extras) writer.extra(extra);
  let next = 0;
  const eventsTo = (icount: number) => {
    for (; next < events.length; next++) {
      const logged = events.at(next);
      if (logged === undefined || logged.icount > icount) return;
      writer.event(logged);
    }
  };
  for (const checkpoint of checkpoints) {
    eventsTo(checkpoint.icount);
    writer.checkpoint(checkpoint);
  }
  eventsTo(Number.POSITIVE_INFINITY);
  writer.end(end);
  sink.publish();
}
