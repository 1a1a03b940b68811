/** What writes of CSRs bring about in their hart. */
import { NO_INTERRUPT } from '../machine/hart.js';
import type { CsrPorts } from './csr-file.js';
import type { HartEnvironment } from './executing-hart.js';
import type { Mmu } from './mmu.js';
import type { PmpUnit } from './pmp.js';
import type { SupervisorTimer } from './supervisor-timer.js';
import type { TrapUnit } from './traps.js';
import type { TriggerUnit } from './triggers.js';

interface Affected {
  readonly env: Pick<HartEnvironment, 'readTime' | 'randomHalf'>;
  readonly steps: number;
  readonly mmu: Mmu;
  readonly pmp: PmpUnit;
  readonly traps: TrapUnit;
  readonly supervisorTimer: SupervisorTimer | undefined;
  readonly triggers: TriggerUnit | undefined;
  requestBoundary(): void;
  publishView(): void;
}

export const csrEffects = (hart: Affected): CsrPorts => ({
  steps: () => hart.steps,
  readTime: out => hart.env.readTime(out),
  randomHalf: () => hart.env.randomHalf(),
  interruptsChanged: () => {
    if (hart.traps.interrupt() !== NO_INTERRUPT) hart.requestBoundary();
  },
  viewChanged: () => hart.publishView(),
  addressSpaceChanged: () => {
    hart.mmu.spaceChanged();
    hart.requestBoundary();
  },
  translationChanged: () => {
    hart.mmu.flushTranslated();
    hart.requestBoundary();
  },
  pmpChanged: () => {
    hart.pmp.update();
    hart.mmu.flush();
    hart.requestBoundary();
  },
  timerChanged: () => {
    hart.supervisorTimer?.update();
    hart.requestBoundary();
  },
  triggersChanged: () => {
    hart.triggers?.update();
    // What lies near one is not cached.
    hart.mmu.flush();
    hart.requestBoundary();
  },
});
