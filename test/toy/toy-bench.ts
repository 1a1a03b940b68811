import { BreakpointSet } from '../../src/engine/breakpoint-set.js';
import { DecodeCache } from '../../src/engine/decode-cache.js';
import { Engine, type EngineOptions } from '../../src/engine/engine.js';
import { REGION_ENTRIES, REGION_ENTRY_SHIFT, REGION_FUNCTIONS } from '../../src/engine/engine-layout.js';
import { SELECTOR_TABLE_BYTES } from '../../src/engine/jit/selector-tables.js';
import { TouchedPages } from '../../src/engine/touched-pages.js';
import { WatchList } from '../../src/engine/watch-list.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { planMemory } from '../../src/memory/memory-plan.js';
import type { SystemBus } from '../../src/memory/system-bus.js';
import { TOY_TLB_BYTES, TOY_VECTORS, ToyHart } from './toy-hart.js';
import { TOY_SET } from './toy-isa.js';
import type { ToyPicture } from './toy-reference.js';
import { TOY_STATE } from './toy-state.js';

export const TOY_RAM = TOY_VECTORS;
export const TOY_RAM_BYTES = 0x4000;

/** A toy hart on bare memory, for comparing engines. */
export class ToyBench {
  readonly memory: GuestMemory;
  readonly hart: ToyHart;
  readonly engine: Engine;

  constructor(options: EngineOptions) {
    this.memory = new GuestMemory(
      planMemory({
        stateBytes: TOY_STATE.byteLength,
        tlbBytes: TOY_TLB_BYTES,
        decodePages: 16,
        regionEntryBytes: REGION_ENTRIES << REGION_ENTRY_SHIFT,
        regionNoteBytes: REGION_FUNCTIONS,
        selectorTableBytes: SELECTOR_TABLE_BYTES,
        isaTableBytes: 0,
        ramBytes: TOY_RAM_BYTES,
        romBytes: 0,
        backingBytes: 0,
      }),
    );
    const { memory } = this;
    const { plan } = memory;
    const decode = new DecodeCache(memory, TOY_SET);
    this.engine = new Engine(decode, TOY_RAM, options);
    const breakpoints = new BreakpointSet();
    const state = TOY_STATE.bind(memory.memory.buffer, plan.state);
    TOY_STATE.reset(memory.memory.buffer, plan.state);
    this.hart = new ToyHart(0, state, plan.state, plan.tlb, {
      memory,
      bus: ramOnly(memory),
      decode,
      watches: new WatchList(),
      breakpoints,
      touched: new TouchedPages(),
      hotCode: this.engine.regions,
      systemOperations: this.engine.systemOperations,
      breakpointReached: () => false,
      watchTouched: () => false,
    });
    memory.observer = {
      codeWritten: (host, length) => decode.invalidate(host, length),
      pageTableWritten: () => {},
      reservedWritten: () => {},
    };
    decode.onEvict = () => this.hart.flush();
    this.engine.connect(() => this.hart);
    if (this.engine.regions !== undefined) this.engine.regions.breakpoints = breakpoints;
    this.hart.attach(this.engine.run);
  }

  load(words: readonly number[]): void {
    const { ram } = this.memory.plan;
    this.memory.beforeWrite(ram, TOY_RAM_BYTES);
    words.forEach((word, index) => {
      this.memory.u32[(ram >> 2) + index] = word;
    });
  }

  get ram(): Uint8Array {
    const { ram } = this.memory.plan;
    return this.memory.u8.slice(ram, ram + TOY_RAM_BYTES);
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

function ramOnly(memory: GuestMemory): SystemBus {
  return {
    low: 0,
    high: 0,
    hostAddress: (address, size) => {
      const offset = address - TOY_RAM;
      return offset >= 0 && offset + size <= TOY_RAM_BYTES ? memory.plan.ram + offset : 0;
    },
    readDevice: () => false,
    writeDevice: () => false,
    acceptsWrite: () => false,
  };
}
