import type { EngineOptions } from '../../src/engine/engine.js';
import { buildToy, TOY_MAP, toyConfig } from './toy-board.js';
import type { ToyPicture } from './toy-reference.js';

export const TOY_RAM = TOY_MAP.ram;
export const TOY_RAM_BYTES = 0x4000;

/** A toy machine with little memory, for comparing engines. */
export class ToyBench {
  readonly machine;

  constructor(options: EngineOptions) {
    const config = toyConfig({ ramBytes: TOY_RAM_BYTES });
    this.machine = buildToy(config, [], { serial: { write: () => {} } }, options);
  }

  get hart() {
    return this.machine.board.harts[0];
  }

  get engine() {
    return this.machine.board.engine;
  }

  load(words: readonly number[]): void {
    const { memory } = this.machine;
    const { ram } = memory.plan;
    memory.beforeWrite(ram, TOY_RAM_BYTES);
    memory.u32.set(words, ram >> 2);
  }

  /** Makes this many steps, in runs of these lengths, over and over; a wait is over at once. */
  run(steps: number, pieces: readonly number[]): void {
    const end = this.machine.icount + steps;
    for (let i = 0; this.machine.icount < end; i++) {
      const until = Math.min(end, this.machine.icount + pieces[i % pieces.length]);
      // Nothing would ever end a wait here.
      if (this.machine.run(until, { idle: 'jump' }).kind === 'idle') this.hart.wake();
    }
  }

  get ram(): Uint8Array {
    const { memory } = this.machine;
    return memory.u8.slice(memory.plan.ram, memory.plan.ram + TOY_RAM_BYTES);
  }

  get picture(): ToyPicture {
    const { state } = this.hart;
    return {
      r: Array.from({ length: 16 }, (_, n) => state.r[2 * n]),
      pc: state.pc[0],
      flags: [state.negative, state.zero, state.carry, state.overflow],
      link: state.link[0],
      cause: state.cause,
      fault: state.fault,
      handling: state.handling,
    };
  }
}
