/** The public API: machines to script, forward and backward. */
export { DivergenceError } from '../replay/divergence.js';
export { InputError } from '../state/input-error.js';
export {
  type DebugStop,
  type FoundStep,
  type FoundWrite,
  TargetError,
  type WatchAccess,
} from '../timeline/debug-target.js';
export type { CpuName } from './cpus.js';
export {
  type BootOptions,
  boot,
  DebugSession,
  openRecording,
  type Place,
  type SnapshotOptions,
} from './debug-session.js';
export { MemoryConsole } from './memory-console.js';
export type { When } from './script-conditions.js';
export { VERSION } from './version.js';
