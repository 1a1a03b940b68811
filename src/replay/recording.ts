import type { BootImage, MachineConfig } from '../ports/config.js';
import type { LoggedEvent } from '../ports/input-event.js';
import type { MachineMoment } from '../state/saved-state.js';
import type { EventTally } from './event-tally.js';
import type { Sequence } from './sequence.js';
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

/** What may have stopped a run beside its guest: host time, steps, or the recording's size. */
export type RecordedLimit = 'timeout' | 'icount' | 'size';

/** Why a run was ended by its host, while the machine would have gone on. */
export type StopCause =
  /** A signal to the recorder, by its POSIX number. */
  | { readonly kind: 'signal'; readonly signal: number }
  | { readonly kind: 'limit'; readonly limit: RecordedLimit }
  /** A hart trapped for ever: see TrapLoopWatch. `reason` says which, where and why. */
  | { readonly kind: 'trap-loop'; readonly reason: string }
  /** The session was closed, the part ends here: whatever `reason` says. */
  | { readonly kind: 'stopped'; readonly reason: string };

/** How a recording ends. Only behind a power-off the machine cannot go on. */
export type RecordingEnd =
  /** The machine is off: the guest ended it, or the host asked it to. */
  | { readonly kind: 'power-off'; readonly icount: number; readonly code: number }
  | (StopCause & { readonly icount: number })
  /**
   * No end mark: the recorder was killed, or `damage`, which says where, hides the rest (read as tolerant).
   * `icount` is the last moment known to be covered.
   */
  | { readonly kind: 'cut'; readonly icount: number; readonly damage?: string };

/**
 * A whole recording. Events and checkpoints are sorted by icount, and may be read from a file as they are asked for.
 */
export interface Recording {
  readonly header: RecordingHeader;
  readonly events: Sequence<LoggedEvent>;
  readonly checkpoints: Sequence<Checkpoint>;
  readonly end: RecordingEnd;
  /** What is beside the history: see OPTIONAL_CHUNKS. */
  readonly extras?: readonly RecordedExtra[];
  /** Of its events, when they were counted as it was read. */
  readonly tally?: EventTally;
  /** The file that it was read from. */
  readonly file?: { readonly version: number; readonly bytes: number; readonly name: string };
}

/** Something that a recording carries and that replays without it are the same: `type` is its chunk's. */
export interface RecordedExtra {
  readonly type: number;
  readonly content: Uint8Array;
}

/** Where a recorder appends bytes; the host implements it with a file. */
export interface ByteSink {
  append(bytes: Uint8Array): void;
  /** What was appended is a recording by itself: from here on it may take the place of an older one. */
  publish(): void;
  /** The recording rests or ends: it is written through where it is to survive a loss of power. */
  sync(): void;
  /** What was not published is dropped. */
  close(): void;
}
