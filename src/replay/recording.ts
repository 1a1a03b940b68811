import type { BootImage, LoggedEvent, MachineConfig } from '../machine/ports.js';
import type { MachineMoment } from '../state/saved-state.js';
import type { StateLayouts } from './state-layouts.js';

/** What a recording starts with: enough to build the machine again with no other file. */
export interface RecordingHeader {
  readonly config: MachineConfig;
  readonly images: readonly BootImage[];
  /** `backstub VERSION` that wrote it. */
  readonly writtenBy: string;
  /** How the state in its checkpoints is declared; absent: as in this version. */
  readonly layouts?: StateLayouts;
  /** Where it starts; absent: with the machine, at icount 0. */
  readonly start?: MachineMoment;
}

/** The first icount of a recording. */
export const startIcount = ({ start }: Pick<RecordingHeader, 'start'>): number => start?.icount ?? 0;

/** Digests of the whole machine at a boundary, after all events of that icount. */
export interface Checkpoint {
  readonly icount: number;
  /** One 64-bit digest a component, 16 hex digits, by component name (`hart0`, `uart0`, ..., `ram`). */
  readonly digests: Readonly<Record<string, string>>;
  /** The declared state's bytes, so that a divergence can name the field. Not to be changed by who gets them. */
  readonly state: Uint8Array;
}

/** How a recording ends. */
export type RecordingEnd =
  /** The guest or the host ended the machine. */
  | { readonly kind: 'power-off'; readonly icount: number; readonly code: number }
  /** The recorder was told to stop: limit reached, debugger gone, signal. */
  | { readonly kind: 'stopped'; readonly icount: number; readonly reason: string }
  /**
   * No end mark: the recorder was killed, or `damage`, which says where, hides the rest (read as tolerant).
   * `icount` is the last moment known to be covered.
   */
  | { readonly kind: 'cut'; readonly icount: number; readonly damage?: string };

/** A whole recording in memory. Events and checkpoints are sorted by icount. */
export interface Recording {
  readonly header: RecordingHeader;
  readonly events: readonly LoggedEvent[];
  readonly checkpoints: readonly Checkpoint[];
  readonly end: RecordingEnd;
}

/** Where a recorder appends bytes; the host implements it with a file. */
export interface ByteSink {
  append(bytes: Uint8Array): void;
  close(): void;
}
