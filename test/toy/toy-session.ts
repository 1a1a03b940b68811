/** Sessions of the toy machine, as those of firmware in test/support/sessions.ts. */
import { liveSession } from '../../src/assembly/session.js';
import type { HostPorts } from '../../src/timeline/live/host-ports.js';
import { type BootOptions, type Live, liveWith } from '../support/sessions.js';
import { buildToy, TOY_MAP, toyConfig } from './toy-board.js';

export type ToyOptions = Pick<
  BootOptions,
  'clock' | 'hostClock' | 'snapshotIntervalSteps' | 'jit' | 'snapshotMemoryBytes'
> & { readonly harts?: number };

export function bootToy(program: Uint8Array, options: ToyOptions = {}): Live {
  const { harts = 1, hostClock, clock = 'virtual', ...history } = options;
  const config = toyConfig({ harts });
  const images = [{ name: 'toy.bin', address: TOY_MAP.ram, bytes: program }];
  return liveWith(
    (host: HostPorts) => liveSession({ config, images }, { ...history, clock, build: buildToy }, host),
    hostClock,
  );
}
