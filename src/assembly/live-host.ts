import { systemClock } from '../host/clock.js';
import { asyncDisks } from '../host/disk/async-disks.js';
import { hostRandom } from '../host/random.js';
import type { HostPorts } from '../timeline/live/host-ports.js';

/** The side of this host that every live session has alike, with what differs; `disks` are the files of its disks. */
export const liveHost = (
  ends: Omit<HostPorts, 'clock' | 'random' | 'blocks'>,
  disks: readonly string[],
): HostPorts => ({ ...ends, clock: systemClock, random: hostRandom, blocks: asyncDisks(disks) });
