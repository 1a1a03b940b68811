/** The public API: machines to script, forward and backward. */

export type { CpuName } from '../assembly/cpus.js';
export { VERSION } from '../assembly/version.js';
export { DivergenceError } from '../replay/divergence.js';
export { InputError } from '../state/input-error.js';
export {
  type DebugStop,
  type HistoryPart,
  type MomentName,
  type SnapshotStatus,
  TargetError,
  type WatchAccess,
} from '../timeline/debug-target.js';
export type { FoundInterrupt, FoundStep, FoundWrite } from '../timeline/search/question-ops.js';
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
