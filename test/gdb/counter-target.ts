/** A tiny machine with a history, for tests of the stub: four real RISC-V instructions in a loop. */

import {
  type DebugStop,
  type DebugTarget,
  type HartStatus,
  type MemoryPiece,
  type MemoryRegion,
  type RegisterDescription,
  type Resume,
  type SnapshotStatus,
  type TargetDescription,
  TargetError,
  type TimelineStatus,
  type WatchAccess,
} from '../../src/timeline/debug-target.js';

export const RAM_BASE = 0x80000000n;
export const DATA = 0x80001000n;
export const PC = 32;
const RAM_SIZE = 0x2000;
const STEPS_PER_SLICE = 256;

/** addi t0,t0,1; sw t0,0(t1); lw t2,0(t1); j back to the first. */
const PROGRAM = [0x00128293, 0x00532023, 0x00032383, 0xff5ff06f];
const T0 = 5;
const T1 = 6;
const T2 = 7;

const NAMES = (
  'zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 ' +
  's2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6 pc'
).split(' ');

const general: RegisterDescription[] = NAMES.map((name, number) => ({
  name,
  number,
  bits: 64,
  type: name === 'pc' ? 'code_ptr' : name === 'sp' ? 'data_ptr' : 'int',
  group: 'general',
}));

export const ICOUNT_REGISTER = 4096;
export const UNREADABLE_REGISTER = 65 + 0x180;

export const DESCRIPTION: TargetDescription = {
  architecture: 'riscv:rv64',
  features: [
    { name: 'org.gnu.gdb.riscv.cpu', registers: general },
    {
      name: 'org.gnu.gdb.riscv.csr',
      registers: [
        {
          name: 'satp',
          number: UNREADABLE_REGISTER,
          bits: 64,
          type: 'int',
          group: 'csr',
          outlivesCalls: true,
        },
      ],
    },
    {
      name: 'org.backstub.time',
      registers: [
        {
          name: 'icount',
          number: ICOUNT_REGISTER,
          bits: 64,
          type: 'int',
          group: 'time',
          outlivesCalls: true,
        },
      ],
    },
  ],
  generalCount: 33,
  expedited: [PC, 2, 8],
  pc: PC,
};

interface Hart {
  readonly x: BigUint64Array;
  pc: bigint;
}

interface Undo {
  readonly hart: number;
  readonly pc: bigint;
  readonly register: number;
  readonly value: bigint;
  readonly memory?: { readonly address: bigint; readonly value: number };
}

interface Access {
  readonly kind: 'read' | 'write';
  readonly address: bigint;
}

export interface CounterOptions {
  readonly harts?: number;
  /** Steps in the history; Infinity for a machine that never ends. */
  readonly end?: number;
  readonly powerOff?: { readonly code: number };
  /** A continue gets no further than one slice until it is interrupted: runs that a test interrupts. */
  readonly stalls?: boolean;
}

export class CounterTarget implements DebugTarget {
  readonly description = DESCRIPTION;
  /** Calls that a test may want to see, in order. */
  readonly calls: string[] = [];
  readonly breakpoints = new Set<bigint>();
  readonly watchpoints = new Map<string, { access: WatchAccess; address: bigint; length: number }>();
  readonly typed: number[] = [];
  icount = 0;
  stepOverInterrupts = false;
  stopAt: number | undefined;

  private readonly hartStates: Hart[];
  private readonly ram = new DataView(new ArrayBuffer(RAM_SIZE));
  private readonly log: Undo[] = [];
  private readonly named = new Map<string, number>();
  private readonly end: number;
  private interrupted = false;
  private running = false;

  constructor(private readonly options: CounterOptions = {}) {
    this.end = options.end ?? 1000;
    for (const [at, word] of PROGRAM.entries()) this.ram.setUint32(4 * at, word, true);
    this.hartStates = Array.from({ length: options.harts ?? 1 }, (_, hart) => {
      const x = new BigUint64Array(32);
      x[T1] = DATA + BigInt(8 * hart);
      return { x, pc: RAM_BASE };
    });
  }

  harts(): readonly HartStatus[] {
    return this.hartStates.map((_, hart) => ({ hart, text: `CPU#${hart} machine mode <test>` }));
  }

  readRegister(hart: number, register: number): Uint8Array | undefined {
    const state = this.hartStates[hart]!;
    if (register === UNREADABLE_REGISTER) return undefined;
    const value =
      register === PC ? state.pc : register === ICOUNT_REGISTER ? BigInt(this.icount) : state.x[register]!;
    return littleEndian(value);
  }

  registerRefusal(hart: number, register: number, bytes: Uint8Array): string | undefined {
    const held = this.readRegister(hart, register)!;
    if (register < 33 && register > 0) return undefined;
    return held.every((byte, i) => byte === bytes[i]) ? undefined : `register ${register} is read-only`;
  }

  takeNotices(): readonly string[] {
    return [];
  }

  writeRegister(hart: number, register: number, bytes: Uint8Array): void {
    if (this.icount !== 0) throw new TargetError('the past cannot be changed');
    const value = new DataView(bytes.slice().buffer).getBigUint64(0, true);
    if (register === 0 && value === 0n) return;
    if (register === PC) this.hartStates[hart]!.pc = value;
    else if (register < 32 && register > 0) this.hartStates[hart]!.x[register] = value;
    else throw new TargetError(`register ${register} is read-only`);
  }

  readMemory(_hart: number, address: bigint, length: number): Uint8Array {
    const from = Number(address - RAM_BASE);
    if (from < 0 || from >= RAM_SIZE) return new Uint8Array(0);
    return new Uint8Array(this.ram.buffer.slice(from, Math.min(RAM_SIZE, from + length)));
  }

  *memoryPieces(hart: number, address: bigint, length: bigint): Generator<MemoryPiece, void> {
    const bytes = this.readMemory(hart, address, Number(length < RAM_SIZE ? length : RAM_SIZE));
    if (bytes.length > 0) yield { length: bytes.length, bytes };
  }

  writeMemory(_hart: number, address: bigint, bytes: Uint8Array): void {
    const from = Number(address - RAM_BASE);
    if (from < 0 || from + bytes.length > RAM_SIZE) throw new TargetError('nothing is mapped there');
    new Uint8Array(this.ram.buffer).set(bytes, from);
  }

  memoryMap(): readonly MemoryRegion[] {
    return [
      { start: 0x1000n, length: 0xf000n, kind: 'rom', name: 'mrom' },
      { start: RAM_BASE, length: BigInt(RAM_SIZE), kind: 'ram', name: 'ram' },
    ];
  }

  insertBreakpoint(address: bigint): void {
    this.calls.push(`insert ${address.toString(16)}`);
    this.breakpoints.add(address);
  }

  removeBreakpoint(address: bigint): void {
    this.calls.push(`remove ${address.toString(16)}`);
    this.breakpoints.delete(address);
  }

  stopAtIcount(icount: number | undefined): void {
    if (icount !== undefined && icount <= this.icount) throw new TargetError(`icount ${icount} is not ahead`);
    this.stopAt = icount;
  }

  insertWatchpoint(access: WatchAccess, address: bigint, length: number): void {
    this.watchpoints.set(`${access} ${address} ${length}`, { access, address, length });
  }

  removeWatchpoint(access: WatchAccess, address: bigint, length: number): void {
    this.watchpoints.delete(`${access} ${address} ${length}`);
  }

  clearBreakpoints(): void {
    this.breakpoints.clear();
    this.watchpoints.clear();
  }

  async resume(request: Resume): Promise<DebugStop> {
    if (this.running) throw new Error('two resumes at once');
    this.running = true;
    this.interrupted = false;
    try {
      return await this.run(request);
    } finally {
      this.running = false;
    }
  }

  interrupt(): void {
    this.calls.push('interrupt');
    this.interrupted = true;
  }

  status(): TimelineStatus {
    return {
      mode: 'replay',
      icount: this.icount,
      begin: 0,
      end: this.end,
      virtualNs: this.icount * 10,
      recording: 'counter.bsr',
      powerOff: this.icount === this.end ? this.options.powerOff : undefined,
    };
  }

  async seek(target: number | 'start' | 'end' | { readonly snapshot: string }): Promise<void> {
    const icount = this.momentOf(target);
    if (icount < 0 || icount > this.end) {
      throw new TargetError(`icount ${icount} is outside the history 0..${this.end}`);
    }
    while (this.icount < icount) this.forward();
    while (this.icount > icount) this.backward();
  }

  snapshots(): readonly SnapshotStatus[] {
    return [...this.named].map(([name, icount]) => ({
      name,
      icount,
      pages: 2,
      bytes: RAM_SIZE,
      diskBytes: 0,
    }));
  }

  saveSnapshot(name: string): void {
    this.named.set(name, this.icount);
  }

  deleteSnapshot(name: string): void {
    if (!this.named.delete(name)) throw new TargetError(`there is no snapshot named ${name}`);
  }

  events(): readonly { readonly icount: number; readonly text: string }[] {
    return Array.from({ length: 30 }, (_, index) => ({ icount: index * 3, text: `console "${index}"` }));
  }

  reset(): void {
    throw new TargetError('a recording cannot be reset');
  }

  typeConsole(bytes: Uint8Array): void {
    this.typed.push(...bytes);
  }

  attach(): void {
    this.calls.push('attach');
  }

  detach(): void {
    this.calls.push('detach');
    this.clearBreakpoints();
  }

  private momentOf(target: number | 'start' | 'end' | { readonly snapshot: string }): number {
    if (typeof target === 'number') return target;
    if (target === 'start') return 0;
    if (target === 'end') return this.end;
    const icount = this.named.get(target.snapshot);
    if (icount === undefined) throw new TargetError(`there is no snapshot named ${target.snapshot}`);
    return icount;
  }

  private async run(request: Resume): Promise<DebugStop> {
    const direction = request.kind === 'range-step' ? 'forward' : request.direction;
    let lastHart = this.nextHart();
    for (let steps = 1; ; steps++) {
      if (steps % STEPS_PER_SLICE === 0) {
        do await new Promise(resolve => setImmediate(resolve));
        while (this.options.stalls && !this.interrupted);
      }
      if (this.interrupted) return { kind: 'interrupt', hart: lastHart };
      const edge = direction === 'forward' ? this.icount === this.end : this.icount === 0;
      if (edge) return this.historyEnd(direction === 'forward' ? 'end' : 'begin', lastHart);
      lastHart = direction === 'forward' ? this.nextHart() : this.log.at(-1)!.hart;
      if (request.kind === 'continue') {
        const before = direction === 'forward' ? this.stopBeforeStep() : this.stopBeforeUndo();
        if (before !== undefined) return before;
      }
      if (direction === 'forward') this.forward();
      else this.backward();
      const { pc } = this.hartStates[lastHart]!;
      if (request.kind === 'continue') {
        if (direction === 'backward' && this.breakpoints.has(pc)) {
          return { kind: 'breakpoint', hart: lastHart, address: pc };
        }
      } else if (request.hart === undefined || request.hart === lastHart) {
        if (request.kind === 'step' || pc < request.start || pc >= request.end) {
          return { kind: 'step', hart: lastHart };
        }
      }
    }
  }

  private historyEnd(edge: 'begin' | 'end', hart: number): DebugStop {
    const { powerOff } = this.status();
    return { kind: 'history', edge, hart, ...(powerOff === undefined ? {} : { powerOff }) };
  }

  private stopBeforeStep(): DebugStop | undefined {
    const hart = this.nextHart();
    const { pc } = this.hartStates[hart]!;
    if (this.breakpoints.has(pc)) return { kind: 'breakpoint', hart, address: pc };
    return this.watched(hart, this.accessAt(hart, pc));
  }

  private stopBeforeUndo(): DebugStop | undefined {
    const last = this.log.at(-1)!;
    return this.watched(last.hart, this.accessAt(last.hart, last.pc));
  }

  private accessAt(hart: number, pc: bigint): Access | undefined {
    const address = this.hartStates[hart]!.x[T1]!;
    if (pc === RAM_BASE + 4n) return { kind: 'write', address };
    if (pc === RAM_BASE + 8n) return { kind: 'read', address };
    return undefined;
  }

  private watched(hart: number, access: Access | undefined): DebugStop | undefined {
    if (access === undefined) return undefined;
    for (const { access: kind, address, length } of this.watchpoints.values()) {
      const overlaps = address < access.address + 4n && access.address < address + BigInt(length);
      if (overlaps && (kind === 'access' || kind === access.kind)) {
        const startsInside = address > access.address;
        return { kind: 'watchpoint', hart, access: kind, address: startsInside ? address : access.address };
      }
    }
    return undefined;
  }

  private nextHart(): number {
    return Math.floor(this.icount / 3) % this.hartStates.length;
  }

  private forward(): void {
    const hart = this.nextHart();
    const state = this.hartStates[hart]!;
    const { pc, x } = state;
    const at = Number(x[T1]! - RAM_BASE);
    let undo: Undo = { hart, pc, register: 0, value: 0n };
    switch (pc - RAM_BASE) {
      case 0n:
        undo = { ...undo, register: T0, value: x[T0]! };
        x[T0] = x[T0]! + 1n;
        break;
      case 4n:
        undo = { ...undo, memory: { address: x[T1]!, value: this.ram.getUint32(at, true) } };
        this.ram.setUint32(at, Number(x[T0]! & 0xffffffffn), true);
        break;
      case 8n:
        undo = { ...undo, register: T2, value: x[T2]! };
        x[T2] = BigInt(this.ram.getUint32(at, true));
        break;
    }
    state.pc = pc === RAM_BASE + 12n ? RAM_BASE : pc + 4n;
    this.log.push(undo);
    this.icount++;
  }

  private backward(): void {
    const { hart, pc, register, value, memory } = this.log.pop()!;
    const state = this.hartStates[hart]!;
    state.pc = pc;
    if (register !== 0) state.x[register] = value;
    if (memory !== undefined) this.ram.setUint32(Number(memory.address - RAM_BASE), memory.value, true);
    this.icount--;
  }
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
