import { LONGEST_FILE_NAME } from '../ports/semihosting-host.js';
import { bytes, count, counts, defineState, halves, type StateOf, u32 } from '../state/layout.js';

/** Handles that a guest may hold at a time. SYS_OPEN gives no 0. */
export const MOST_HANDLES = 64;
export const FIRST_HANDLE = 1;
/** One for each, and one for 0. */
const ROWS = FIRST_HANDLE + MOST_HANDLES;
export const NAME_BYTES = LONGEST_FILE_NAME;

/** What a handle stands for. */
export const HANDLE = { free: 0, console: 1, features: 2, file: 3 } as const;
/** What a hart's call waits for. */
export const WAITS_FOR = { nothing: 0, host: 1, input: 2 } as const;

export const semihostingState = (harts: number) =>
  defineState('semihosting', {
    /** Of the last call that failed. */
    errno: u32(),
    /** For each hart, a value of WAITS_FOR. */
    waits: bytes(harts),
    /** And which call that is. */
    calls: bytes(harts),
    /** Bytes written to files. */
    written: count(),
    kinds: bytes(ROWS),
    modes: bytes(ROWS),
    positions: counts(ROWS),
    nameLengths: halves(ROWS),
    names: bytes(ROWS * NAME_BYTES),
  });

export type SemihostingState = StateOf<ReturnType<typeof semihostingState>>;
