import { buildMachine, type VirtMachine } from '../../src/boards/build-machine.js';
import type { EngineOptions } from '../../src/engine/engine.js';
import type { BootImage, MachineConfig } from '../../src/ports/config.js';
import { testMachine } from '../lockstep/emulator-hart.js';

/** Two machines that differ in nothing but their engine. */
export interface Twins {
  readonly interpreted: VirtMachine;
  readonly compiled: VirtMachine;
}

/** Looks at every place that is jumped to, so that short programs are compiled as well. */
export const EAGER: EngineOptions = { jit: true, hotAfter: 1 };

export function makeTwins(
  config: MachineConfig,
  images: readonly BootImage[],
  engine: EngineOptions = EAGER,
): Twins {
  const output = { serial: { write: () => {} } };
  return {
    interpreted: buildMachine(config, images, output, { jit: false }),
    compiled: buildMachine(config, images, output, engine),
  };
}

export const twinConfig = (isa: string): MachineConfig => testMachine(isa, { ramBytes: 1 << 20 }).config;

/** All a guest can see, and where the machine is. */
export interface Picture {
  readonly state: Uint8Array;
  readonly ram: Uint8Array;
}

export function pictureOf(machine: VirtMachine): Picture {
  const { memory } = machine.board;
  const { ram, ramBytes } = memory.plan;
  return { state: memory.stateBytes.slice(), ram: memory.u8.slice(ram, ram + ramBytes) };
}

/** Puts a machine back, as a snapshot would: by writing memory where it differs, page by page. */
export function restore(machine: VirtMachine, picture: Picture): void {
  const { memory } = machine.board;
  memory.stateBytes.set(picture.state);
  for (let at = 0; at < picture.ram.length; at += 4096) {
    const host = memory.plan.ram + at;
    const page = picture.ram.subarray(at, at + 4096);
    if (Buffer.compare(memory.u8.subarray(host, host + 4096), page) === 0) continue;
    memory.replacePage(memory.pageOf(host), page);
  }
  machine.afterRestore();
}

/** What differs between two pictures, in words; empty when nothing does. */
export function difference(machine: VirtMachine, a: Picture, b: Picture): string {
  const fields = machine.board.plan
    .differences(a.state, b.state)
    .map(one => `${one.component}.${one.field}[${one.index ?? ''}]: ${one.left} and ${one.right}`);
  if (Buffer.compare(a.ram, b.ram) !== 0) {
    const at = a.ram.findIndex((byte, i) => byte !== b.ram[i]);
    fields.push(`RAM at 0x${at.toString(16)}`);
  }
  return fields.join('; ');
}
