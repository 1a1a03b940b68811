/** What a guest asks of the host's files by semihosting calls, and what it is answered. */

/** Bytes of a file's name. */
export const LONGEST_FILE_NAME = 255;
/** What one call reads or writes at most. */
export const MOST_TRANSFERRED = 16 * 2 ** 20;
/** What a guest may write to files in all; no file grows longer. */
export const MOST_WRITTEN = 2 ** 30;

/** Linux's numbers, as QEMU gives them. */
export const ERRNO = {
  notPermitted: 1,
  noEntry: 2,
  tooLong: 7,
  badHandle: 9,
  accessDenied: 13,
  badAddress: 14,
  notFolder: 20,
  isFolder: 21,
  invalid: 22,
  tooManyFiles: 24,
  tooLarge: 27,
  noSpace: 28,
  cannotSeek: 29,
  nameTooLong: 36,
  notImplemented: 38,
  link: 40,
} as const;

/** What a file is opened for, by the number that stands for a mode of C's `fopen`: r, rb, r+, r+b, w, ... a+b. */
export const OPEN_MODES = 12;
export const openMode = (mode: number) => ({
  appends: mode >= 8,
  truncates: mode >= 4 && mode < 8,
  creates: mode >= 4,
  reads: mode < 4 || (mode & 2) !== 0,
  writes: mode >= 4 || (mode & 2) !== 0,
});

/** A file that the guest has opened. Where the host does not know the handle, name and mode say what it is. */
export interface SemihostingFile {
  readonly handle: number;
  readonly name: Uint8Array;
  readonly mode: number;
}

export type SemihostingRequest =
  | { readonly kind: 'open' | 'close' | 'length'; readonly file: SemihostingFile }
  | {
      readonly kind: 'read';
      readonly file: SemihostingFile;
      readonly position: number;
      readonly length: number;
    }
  | {
      readonly kind: 'write';
      readonly file: SemihostingFile;
      readonly position: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'remove'; readonly name: Uint8Array }
  | { readonly kind: 'rename'; readonly name: Uint8Array; readonly to: Uint8Array };

export interface SemihostingAnswer {
  /** 0: done. */
  readonly errno: number;
  /** Bytes written, or a file's length. */
  readonly value: number;
  /** What was read. */
  readonly bytes: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

export const answerOf = (given: Partial<SemihostingAnswer> = {}): SemihostingAnswer => ({
  errno: 0,
  value: 0,
  bytes: NO_BYTES,
  ...given,
});

/** Which hart makes which call, and what it asks. */
export interface SemihostingCallRequest {
  readonly hart: number;
  readonly call: number;
  readonly request?: SemihostingRequest;
}

export interface SemihostingCallAnswer extends SemihostingAnswer {
  readonly hart: number;
  readonly call: number;
}

/** The host's files for a guest. */
export interface SemihostingBackend {
  /**
   * Never throws. `pretend`: says what it would, but changes nothing: this is not what really happens.
   */
  answer(request: SemihostingRequest, effects: 'real' | 'pretend'): SemihostingAnswer;
  /** Closes every file. May be called more than once. */
  close(): void;
}
