/** A machine's whole state as data, and back. */
import { PAGE_BYTES } from '../memory/memory-plan.js';
import { InputError } from '../state/input-error.js';
import {
  loadState,
  type MachineMoment,
  type MemoryArea,
  type SavedPage,
  saveState,
} from '../state/saved-state.js';
import type { Machine } from './machine.js';

interface Area {
  readonly area: MemoryArea;
  /** Index of its first page, and of the one behind its last. */
  readonly first: number;
  readonly end: number;
}

function areasOf({ board }: Machine): readonly Area[] {
  const { memory } = board;
  const rom = memory.pageOf(memory.plan.rom);
  const disks = memory.pageOf(memory.plan.backing);
  return [
    { area: 'ram', first: 0, end: rom },
    { area: 'rom', first: rom, end: disks },
    { area: 'disks', first: disks, end: memory.pageCount },
  ];
}

/** The present boundary. `snapshot`: what it is called. */
export function saveMoment(machine: Machine, snapshot?: string): MachineMoment {
  const { memory, plan } = machine.board;
  const built = pagesAsBuilt(machine);
  const pages: SavedPage[] = [];
  for (const { area, first, end } of areasOf(machine)) {
    for (let page = first; page < end; page++) {
      if (isAsBuilt(machine, page, built.get(page))) continue;
      pages.push({ area, page: page - first, bytes: memory.pageBytes(page).slice() });
    }
  }
  return {
    icount: machine.icount,
    virtualNs: machine.virtualNs,
    ...(snapshot === undefined ? {} : { snapshot }),
    components: saveState(plan, memory.stateBytes),
    pages,
  };
}

/**
 * Puts a machine that was just built, from the same configuration and images, into a saved moment. Throws
 * InputError when it is none of such a machine.
 */
export function loadMoment(machine: Machine, moment: MachineMoment): void {
  const { memory, plan } = machine.board;
  const state = loadState(plan, moment.components);
  const areas = new Map(areasOf(machine).map(area => [area.area, area]));
  for (const { area, page, bytes } of moment.pages) {
    const { first, end } = areas.get(area)!;
    if (page >= end - first) throw new InputError(`this machine has no page ${page} of ${area}`);
    memory.replacePage(first + page, bytes);
  }
  memory.stateBytes.set(state);
  machine.afterRestore();
  const { icount, virtualNs, board, config } = machine;
  if (icount !== moment.icount || virtualNs !== moment.virtualNs) {
    throw new InputError(
      `its state is of icount ${icount} and ${virtualNs} ns, but it says icount ${moment.icount} and ${moment.virtualNs} ns`,
    );
  }
  if (board.machineState.currentHart >= config.harts) {
    throw new InputError(`hart ${board.machineState.currentHart} has its turn, but there is none`);
  }
}

/** Pages that are not zero when a machine has been built, by index. */
function pagesAsBuilt({ board, images }: Machine): Map<number, Uint8Array> {
  const { memory, bus } = board;
  const pages = new Map<number, Uint8Array>();
  for (const { disk, address, bytes } of images) {
    if (disk !== undefined || bytes.length === 0) continue;
    const host = bus.hostAddress(address, bytes.length, false);
    for (let done = 0; done < bytes.length; ) {
      const page = memory.pageOf(host + done);
      const inPage = host + done - memory.hostAddressOfPage(page);
      const part = bytes.subarray(done, done + PAGE_BYTES - inPage);
      let content = pages.get(page);
      if (content === undefined) {
        content = new Uint8Array(PAGE_BYTES);
        pages.set(page, content);
      }
      content.set(part, inPage);
      done += part.length;
    }
  }
  return pages;
}

function isAsBuilt({ board }: Machine, page: number, built: Uint8Array | undefined): boolean {
  const { memory } = board;
  if (built === undefined) return memory.isZeroPage(page);
  return memory.pageBytes(page).every((byte, i) => byte === built[i]);
}
