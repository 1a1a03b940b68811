import type { SemihostingFile } from '../ports/semihosting-host.js';
import { FIRST_HANDLE, HANDLE, NAME_BYTES, type SemihostingState } from './state.js';

export type HandleKind = 'console' | 'features' | 'file';

const KINDS: readonly (HandleKind | undefined)[] = [undefined, 'console', 'features', 'file'];

/** What a guest has opened, by handle. */
export class Handles {
  constructor(private readonly state: SemihostingState) {}

  /** Undefined for what is no handle. */
  kindOf(handle: number): HandleKind | undefined {
    return KINDS[this.state.kinds[handle] ?? HANDLE.free];
  }

  modeOf(handle: number): number {
    return this.state.modes[handle];
  }

  positionOf(handle: number): number {
    return this.state.positions[handle];
  }

  seek(handle: number, position: number): void {
    this.state.positions[handle] = position;
  }

  fileOf(handle: number): SemihostingFile {
    const start = handle * NAME_BYTES;
    const name = this.state.names.slice(start, start + this.state.nameLengths[handle]);
    return { handle, name, mode: this.modeOf(handle) };
  }

  /** The handle that `open` would give; -1: there is none left. */
  get next(): number {
    return this.state.kinds.indexOf(HANDLE.free, FIRST_HANDLE);
  }

  /** Takes the next handle, which there must be. */
  open(kind: HandleKind, mode: number, name: Uint8Array): number {
    const handle = this.next;
    const { state } = this;
    state.kinds[handle] = HANDLE[kind];
    state.modes[handle] = mode;
    state.positions[handle] = 0;
    state.nameLengths[handle] = name.length;
    state.names.set(name, handle * NAME_BYTES);
    return handle;
  }

  close(handle: number): void {
    const { state } = this;
    state.kinds[handle] = HANDLE.free;
    state.modes[handle] = 0;
    state.positions[handle] = 0;
    state.nameLengths[handle] = 0;
    state.names.fill(0, handle * NAME_BYTES, (handle + 1) * NAME_BYTES);
  }
}
