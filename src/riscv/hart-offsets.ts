import type { HartOffsets } from '../engine/engine-layout.js';
import { HART_STATE } from './hart-state.js';
import { MSTATUS } from './privileged.js';

/** Where generated code finds what it needs of a hart. */
export const HART_OFFSETS: HartOffsets = {
  x: HART_STATE.offsetOf('x'),
  pc: HART_STATE.offsetOf('pc'),
  reservedAddress: HART_STATE.offsetOf('reservedAddress'),
  reservedValue: HART_STATE.offsetOf('reservedValue'),
  f: HART_STATE.offsetOf('f'),
  floatControl: HART_STATE.offsetOf('fcsr'),
  floatStatus: HART_STATE.offsetOf('mstatus'),
  floatStatusMask: MSTATUS.fs,
  privilege: HART_STATE.offsetOf('privilege'),
  interrupts: {
    lines: HART_STATE.offsetOf('lines'),
    software: HART_STATE.offsetOf('softwarePending'),
    enabled: HART_STATE.offsetOf('mie'),
  },
};
