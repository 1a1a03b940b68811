import { type Bound, bytes, u8, words } from '../../state/layout.js';

const ADDRESS_BYTES = 6;
/** Addresses that a driver can list, of one host and of groups together. */
const TABLE_ENTRIES = 64;
const VLANS = 4096;
const VLAN_TAG = 0x8100;

/** Classes and commands of the control queue (virtio 1.2, section 5.1.6.5). */
const CLASS = { receive: 0, address: 1, vlan: 2 } as const;
const ADDRESS = { setTable: 0, set: 1 } as const;
const VLAN = { add: 0, remove: 1 } as const;
const RECEIVE_MODES = ['promiscuous', 'allGroups', 'allHosts', 'noGroups', 'noHosts', 'noBroadcast'] as const;

const NETWORK_ADDRESS = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56] as const;

export const filterFields = () => ({
  address: bytes(ADDRESS_BYTES, NETWORK_ADDRESS),
  promiscuous: u8(1),
  allGroups: u8(),
  allHosts: u8(),
  noGroups: u8(),
  noHosts: u8(),
  noBroadcast: u8(),
  /** Addresses of hosts, then of groups; a list that was too long lets everything of its kind in. */
  table: bytes(TABLE_ENTRIES * ADDRESS_BYTES),
  tableHosts: u8(),
  tableGroups: u8(),
  tooManyHosts: u8(),
  tooManyGroups: u8(),
  vlans: words(VLANS / 32),
});

type FilterState = Bound<ReturnType<typeof filterFields>>;

/** Which packets a driver wants to see, with QEMU 7.2's rules. */
export class NetworkFilter {
  constructor(
    private readonly state: FilterState,
    /** Whether the driver said that it lists the VLANs it wants. */
    private readonly listsVlans: () => boolean,
  ) {}

  reset(): void {
    const { state } = this;
    for (const mode of RECEIVE_MODES) state[mode] = mode === 'promiscuous' ? 1 : 0;
    state.address.set(NETWORK_ADDRESS);
    state.table.fill(0);
    state.vlans.fill(0);
    state.tableHosts = 0;
    state.tableGroups = 0;
    state.tooManyHosts = 0;
    state.tooManyGroups = 0;
  }

  accepts(packet: Uint8Array): boolean {
    const { state } = this;
    if (state.promiscuous !== 0) return true;
    if (this.listsVlans() && ((packet[12] << 8) | packet[13]) === VLAN_TAG) {
      const vlan = ((packet[14] << 8) | packet[15]) & 0xfff;
      if ((state.vlans[vlan >> 5] & (1 << (vlan & 31))) === 0) return false;
    }
    const to = packet.subarray(0, ADDRESS_BYTES);
    if ((to[0] & 1) !== 0) {
      if (to.every(byte => byte === 0xff)) return state.noBroadcast === 0;
      if (state.noGroups !== 0) return false;
      if (state.allGroups !== 0 || state.tooManyGroups !== 0) return true;
      return this.#listed(to, state.tableHosts, state.tableGroups);
    }
    if (state.noHosts !== 0) return false;
    if (state.allHosts !== 0 || state.tooManyHosts !== 0) return true;
    return same(to, state.address) || this.#listed(to, 0, state.tableHosts);
  }

  /** Carries out a command of the driver; false when it makes no sense. */
  command(request: Uint8Array): boolean {
    const [group, command] = request;
    const data = request.subarray(2);
    switch (group) {
      case CLASS.receive: {
        const mode = RECEIVE_MODES[command];
        if (mode === undefined || data.length < 1) return false;
        this.state[mode] = data[0];
        return true;
      }
      case CLASS.address:
        if (command === ADDRESS.setTable) return this.#setTable(data);
        if (command !== ADDRESS.set || data.length !== ADDRESS_BYTES) return false;
        this.state.address.set(data);
        return true;
      case CLASS.vlan:
        return this.#changeVlan(command, data);
      default:
        return false;
    }
  }

  /** Two lists, each with its length before it. */
  #setTable(data: Uint8Array): boolean {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    if (data.length < 4) return false;
    const hosts = view.getUint32(0, true);
    const groupsAt = 4 + hosts * ADDRESS_BYTES;
    if (data.length < groupsAt + 4) return false;
    const groups = view.getUint32(groupsAt, true);
    if (data.length !== groupsAt + 4 + groups * ADDRESS_BYTES) return false;
    const { state } = this;
    state.table.fill(0);
    state.tooManyHosts = hosts > TABLE_ENTRIES ? 1 : 0;
    state.tableHosts = state.tooManyHosts === 0 ? hosts : 0;
    state.tooManyGroups = groups > TABLE_ENTRIES - state.tableHosts ? 1 : 0;
    state.tableGroups = state.tooManyGroups === 0 ? groups : 0;
    state.table.set(data.subarray(4, 4 + state.tableHosts * ADDRESS_BYTES));
    const from = groupsAt + 4;
    state.table.set(
      data.subarray(from, from + state.tableGroups * ADDRESS_BYTES),
      state.tableHosts * ADDRESS_BYTES,
    );
    return true;
  }

  #changeVlan(command: number, data: Uint8Array): boolean {
    if (data.length < 2) return false;
    const vlan = data[0] | (data[1] << 8);
    if (vlan >= VLANS) return false;
    const bit = 1 << (vlan & 31);
    const { vlans } = this.state;
    if (command === VLAN.add) vlans[vlan >> 5] |= bit;
    else if (command === VLAN.remove) vlans[vlan >> 5] &= ~bit;
    else return false;
    return true;
  }

  #listed(address: Uint8Array, first: number, count: number): boolean {
    for (let i = first; i < first + count; i++) {
      const at = i * ADDRESS_BYTES;
      if (same(address, this.state.table.subarray(at, at + ADDRESS_BYTES))) return true;
    }
    return false;
  }
}

const same = (left: Uint8Array, right: Uint8Array) =>
  left.length === right.length && left.every((byte, i) => byte === right[i]);
