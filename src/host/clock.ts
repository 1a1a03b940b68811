import { performance } from 'node:perf_hooks';
import type { HostClock } from '../ports/host.js';

/** setTimeout takes at most 2^31 - 1 ms. */
const LONGEST_SLEEP_MS = 0x7fff_ffff;

export const systemClock: HostClock = {
  nowMs: () => performance.now(),
  sleep(ms, wake) {
    if (ms <= 0) return new Promise(resolve => setImmediate(resolve));
    return new Promise(resolve => {
      const timer = setTimeout(resolve, Math.min(ms, LONGEST_SLEEP_MS));
      const wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
      wake.then(wakeUp, wakeUp);
    });
  },
};

/** The host's time of day, in whole seconds since 1970. */
export const hostSeconds = (): number => Math.floor(Date.now() / 1000);
