/** The public API: machines to script, forward and backward. */

export type { CpuName } from '../assembly/cpus.js';
export type { SemihostingChoice, SemihostingOptions } from '../assembly/semihosting-settings.js';
export type { ConfigOptions } from '../assembly/session.js';
export { VERSION } from '../assembly/version.js';
export type { WavFiles } from '../host/sound/wav-backend.js';
export type { Writer } from '../machine/debug-hit.js';
export type { InputEvent, LoggedEvent } from '../ports/input-event.js';
export type { ChosenSettings } from '../ports/settings.js';
export { DivergenceError, type DivergenceReport } from '../replay/divergence.js';
export type { Sequence } from '../replay/sequence.js';
export { type Advice, InputError } from '../state/input-error.js';
export type { FieldDifference } from '../state/layout.js';
export {
  type DebugStop,
  type HistoryPart,
  type InputOps,
  type MomentName,
  ReplayMismatch,
  type SnapshotStatus,
  TargetError,
  type WatchAccess,
} from '../timeline/debug-target.js';
export type { FoundInterrupt, FoundStep, FoundWrite, WrittenBy } from '../timeline/search/question-ops.js';
export { DebugSession, type Place } from './debug-session.js';
export { MemoryConsole } from './memory-console.js';
export type { When } from './script-conditions.js';
export {
  type BootOptions,
  boot,
  type ContinueOptions,
  continueRecording,
  openRecording,
  type RecordingOptions,
  type SnapshotOptions,
} from './sessions.js';
