import type { SemihostingCall } from './call.js';
import { CONSOLE_CALLS } from './console-calls.js';
import { FILE_CALLS } from './file-calls.js';
import { SYSTEM_CALLS } from './system-calls.js';

/**
 * Every call there is, by number: dispatch and docs/semihosting.md follow from it. "Semihosting for AArch32 and
 * AArch64", version 3, is the specification; where it leaves something open, QEMU's answer.
 */
export const SEMIHOSTING_CALLS: readonly SemihostingCall[] = [
  ...FILE_CALLS,
  ...CONSOLE_CALLS,
  ...SYSTEM_CALLS,
].sort((a, b) => a.number - b.number);

export const callOf: ReadonlyMap<number, SemihostingCall> = new Map(
  SEMIHOSTING_CALLS.map(call => [call.number, call]),
);
