/**
 * Triggers that a guest sets to debug itself (debug spec 0.13 chapter 5, Sdtrig 1.0): two of address match, of type 2
 * or 6, as QEMU 7.2 has them. A match is a breakpoint exception before the access. The debugger's own breakpoints are
 * apart from them.
 */
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { Csr, CsrFile } from './csr-file.js';
import { type SdtrigState, TRIGGERS } from './extension-state.js';
import type { HartState } from './hart-state.js';
import type { HartConfig } from './privileged.js';

const CONTROL = { load: 1, store: 2, execute: 4, anyAccess: 7, anyMode: 0x58, modes: 0x5f } as const;
const FIRST_MODE_SHIFT = 3;
const TYPE = { match: 2, match6: 6 } as const;
/** Modes of virtual machines: held, and of no effect without them. */
const VIRTUAL_MODES = 0x180_0000;
const SIZE_SHIFT = 16;

/** Sizes of accesses as tdata1 encodes them: any, 1, 2, 4 and 8 bytes; others are held as any. */
const SIZES: readonly number[] = [0, 1, 2, 3, 5];

/** The bits of the control that encode the size: all of them in type 6, two and two more on RV64 in type 2. */
function sizeOf(type: number, control: number, xlen: 32 | 64): number {
  if (type === TYPE.match6) return (control >>> SIZE_SHIFT) & 0xf;
  return ((control >>> SIZE_SHIFT) & 3) | (xlen === 64 ? ((control >>> 21) & 3) << 2 : 0);
}

function sizeBits(type: number, size: number): number {
  if (type === TYPE.match6) return size << SIZE_SHIFT;
  return ((size & 3) << SIZE_SHIFT) | ((size >>> 2) << 21);
}

/** What of a value written to tdata1 is held. */
function heldControl(type: number, value: number, xlen: 32 | 64): number {
  const size = sizeOf(type, value, xlen);
  const virtual = type === TYPE.match6 ? VIRTUAL_MODES : 0;
  return (value & (CONTROL.modes | virtual)) | (SIZES.includes(size) ? sizeBits(type, size) : 0);
}

/** Bytes that QEMU watches from the address on: the encoding of the size, or for any size those of the widest. */
function bytesWatched(type: number, control: number, xlen: 32 | 64): number {
  const size = sizeOf(type, control, xlen);
  if (size !== 0) return size;
  return xlen === 64 || type === TYPE.match6 ? 8 : 4;
}

/** The triggers of one hart, in force. */
export class TriggerUnit {
  /** Whether any could match: without one nothing is looked at. */
  active = false;

  constructor(
    private readonly xlen: 32 | 64,
    private readonly hart: HartState,
    private readonly state: SdtrigState,
  ) {
    this.update();
  }

  update(): void {
    this.active = this.state.controls.some(
      control => (control & CONTROL.anyAccess) !== 0 && (control & CONTROL.anyMode) !== 0,
    );
  }

  /** Whether an instruction at this address must not run. */
  matchesFetch(low: number, high: number): boolean {
    if (!this.active) return false;
    const { addresses } = this.state;
    for (let i = 0; i < TRIGGERS; i++) {
      if (!this.#applies(i, CONTROL.execute)) continue;
      if (addresses[2 * i] === low && addresses[2 * i + 1] === high) return true;
    }
    return false;
  }

  matchesAccess(low: number, high: number, size: number, reads: boolean, writes: boolean): boolean {
    if (!this.active) return false;
    const kinds = (reads ? CONTROL.load : 0) | (writes ? CONTROL.store : 0);
    for (let i = 0; i < TRIGGERS; i++) {
      if (!this.#applies(i, kinds)) continue;
      const ahead = this.#distance(i, low, high);
      if (ahead < size && ahead > -this.#bytes(i)) return true;
    }
    return false;
  }

  /** Whether accesses to the page of this address, or fetches from it, have to be looked at each. */
  nearPage(low: number, high: number): boolean {
    if (!this.active) return false;
    const start = (low & -PAGE_BYTES) >>> 0;
    for (let i = 0; i < TRIGGERS; i++) {
      const ahead = this.#distance(i, start, high);
      if (ahead < PAGE_BYTES && ahead > -this.#bytes(i)) return true;
    }
    return false;
  }

  /** How far behind an address that of a trigger stands; inexact only where it is far. */
  #distance(trigger: number, low: number, high: number): number {
    const { addresses } = this.state;
    return (addresses[2 * trigger + 1] - high) * 2 ** 32 + (addresses[2 * trigger] - low);
  }

  #bytes(trigger: number): number {
    return bytesWatched(this.state.types[trigger], this.state.controls[trigger], this.xlen);
  }

  /** In the present mode, to one of these kinds of access. */
  #applies(trigger: number, kinds: number): boolean {
    const control = this.state.controls[trigger];
    return (control & kinds) !== 0 && ((control >>> (FIRST_MODE_SHIFT + this.hart.privilege)) & 1) === 1;
  }
}

const stateOf = (file: CsrFile): SdtrigState => file.extensionStates.sdtrig!;

/** The type stands in the topmost four bits. */
function readControl(file: CsrFile): void {
  const { tselect, types, controls } = stateOf(file);
  const type = types[tselect] * 2 ** 28;
  if (file.config.xlen === 32) file.set(type | controls[tselect]);
  else file.set(controls[tselect], type);
}

function writeControl(file: CsrFile, low: number, high: number): void {
  const { xlen } = file.config;
  const type = (xlen === 32 ? low : high) >>> 28;
  if (type !== TYPE.match && type !== TYPE.match6) return;
  const { tselect, types, controls } = stateOf(file);
  types[tselect] = type;
  controls[tselect] = heldControl(type, low, xlen);
  file.ports.triggersChanged();
}

const select: Csr = {
  name: 'tselect',
  number: 0x7a0,
  read: file => file.set(stateOf(file).tselect),
  write: (file, low, high) => {
    if (high === 0 && low < TRIGGERS) stateOf(file).tselect = low;
  },
};

const address: Csr = {
  name: 'tdata2',
  number: 0x7a2,
  read: file => {
    const { tselect, addresses } = stateOf(file);
    file.set(addresses[2 * tselect], addresses[2 * tselect + 1]);
  },
  write: (file, low, high) => {
    const { tselect, addresses } = stateOf(file);
    addresses[2 * tselect] = low;
    addresses[2 * tselect + 1] = file.config.xlen === 32 ? 0 : high;
    file.ports.triggersChanged();
  },
};

export const triggerRows = (_: HartConfig): readonly Csr[] => [
  select,
  { name: 'tdata1', number: 0x7a1, read: readControl, write: writeControl },
  address,
  { name: 'tdata3', number: 0x7a3, read: () => {}, write: () => {} },
  // A bit for each type that a trigger may have.
  {
    name: 'tinfo',
    number: 0x7a4,
    read: file => file.set((1 << TYPE.match) | (1 << TYPE.match6)),
    write: () => {},
  },
];
