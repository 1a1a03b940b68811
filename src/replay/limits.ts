/**
 * What a recording may ask of its reader, whoever wrote it: a reader checks these before it allocates, a writer before
 * it writes. All are far above what a machine needs.
 */
import { KIB, MIB } from '../ports/amounts.js';
import type { ChunkType } from './format.js';

/** Bytes of a chunk's content. An image or pages come in as many chunks as they take. */
export const MOST_CONTENT: Readonly<Record<ChunkType | 'optional', number>> = {
  header: 4 * MIB,
  image: MIB,
  events: 64 * MIB,
  checkpoint: 8 * MIB,
  progress: KIB,
  end: 64 * KIB,
  state: 16 * MIB,
  pages: 2 * MIB,
  optional: 16 * MIB,
};

/** One event: a chunk holds others before it. */
export const MOST_EVENT_BYTES = 32 * MIB;
/** Declared state in a checkpoint. */
export const MOST_STATE_BYTES = 4 * MIB;
/** Components of a machine: names in a checkpoint. */
export const MOST_COMPONENTS = 256;
export const MOST_NAME_BYTES = 256;
/** Two a second for 12 days. */
export const MOST_CHECKPOINTS = 2 ** 21;
/** Checkpoints between two whose state is whole. */
export const MOST_BETWEEN_WHOLE = 256;
export const MOST_EXTRAS = 4096;
