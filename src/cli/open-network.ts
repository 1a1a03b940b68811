import { connectToPeer, listenForPeer } from '../host/network/socket-network.js';
import { openUserNetwork } from '../host/network/user-network.js';
import type { NetworkBackend } from '../ports/host.js';
import { tell } from './messages.js';
import type { NetSpec } from './values.js';

/** Undefined: there is no network. Throws InputError. */
export async function openNetwork(spec: NetSpec): Promise<NetworkBackend | undefined> {
  switch (spec.kind) {
    case 'none':
      return undefined;
    case 'user':
      return openUserNetwork(spec.forwards, spec);
    case 'listen': {
      const cable = await listenForPeer(spec, tell);
      tell(`network peer expected on ${spec.host}:${cable.port}`);
      return cable;
    }
    case 'connect':
      return connectToPeer(spec, tell);
  }
}
