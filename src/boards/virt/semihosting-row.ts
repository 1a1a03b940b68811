import type { BootImage, MachineConfig } from '../../ports/config.js';
import { Semihosting } from '../../semihosting/semihosting.js';
import { semihostingState } from '../../semihosting/state.js';
import { type DeviceRow, deviceRow } from '../device-row.js';
import { RAM_BASE } from './memory-map.js';

type SemihostingConfig = Pick<
  MachineConfig,
  'semihosting' | 'commandLine' | 'harts' | 'rtcSeconds' | 'ramBytes'
>;

/** Answers calls by semihosting; it stands on no bus, and only where it is asked for. */
export const semihostingRows = (config: SemihostingConfig): readonly DeviceRow[] =>
  config.semihosting === undefined ? [] : [semihosting(config)];

const semihosting = ({ harts, semihosting, commandLine = '', rtcSeconds, ramBytes }: SemihostingConfig) =>
  deviceRow({
    name: 'semihosting',
    state: { semihosting: semihostingState(harts) },
    build({ dma, clock, power, outputs, images, scheduler, service }, state) {
      const device = new Semihosting(
        state.semihosting,
        {
          ...{ dma, clock, power },
          output: outputs.semihosting ?? outputs.serial,
          typed: service('typed'),
          files: semihosting === 'files',
          commandLine: new TextEncoder().encode(commandLine),
          heap: largestGap(images, ramBytes),
          startSeconds: rtcSeconds,
        },
        scheduler,
      );
      return { inputs: { semihosting: device }, services: { semihosting: device } };
    },
  });

/** The longest part of RAM that nothing was loaded to, as QEMU finds it (hw/core/loader.c). */
function largestGap(images: readonly BootImage[], ramBytes: number) {
  const end = RAM_BASE + ramBytes;
  const loaded = images
    .filter(
      ({ disk, address, bytes }) => disk === undefined && address < end && address + bytes.length >= RAM_BASE,
    )
    .sort((a, b) => a.address - b.address);
  let [base, limit, from] = [RAM_BASE, RAM_BASE, RAM_BASE];
  for (const { address, bytes } of [...loaded, { address: end, bytes: [] }]) {
    if (address - from > limit - base) [base, limit] = [from, address];
    from = Math.max(from, address + bytes.length);
  }
  return { base, limit };
}
