/**
 * What the laws are about: machines of one kind, with programs for them. Whatever keeps to them runs through the same
 * tests.
 */

import * as asm from '../lockstep/encode.js';
import { EXTENSION_NAMES, extensionPiece } from '../lockstep/extension-pieces.js';
import type { Random } from '../lockstep/random.js';
import {
  type BootOptions,
  bootBytes,
  bootFixture,
  fixture,
  type Live,
  type Width,
} from '../support/sessions.js';
import { deafSleeper, randomImage, sharedCounter, tokenRing } from '../support/small-programs.js';
import { SUPERVISOR_TICKS, supervisorTicks } from '../support/supervisor-ticks.js';
import {
  randomToy,
  TOY_SCRATCH,
  type ToyAssembler,
  toyClockSpin,
  toyCounter,
  toyDeafSleeper,
  toyEcho,
  toyHello,
  toyTicks,
} from '../toy/toy-programs.js';
import { bootToy } from '../toy/toy-session.js';

export type LawOptions = Pick<BootOptions, 'clock' | 'hostClock' | 'snapshotIntervalSteps' | 'jit'> & {
  readonly harts?: number;
};

/** A live machine with a certain program. */
export type Boot = (options?: LawOptions) => Live;

/** A program to debug, and places in its code and data worth stopping at. */
export interface DebuggedProgram {
  readonly name: string;
  readonly code: readonly bigint[];
  /** The last of it is what the program does not need. */
  readonly data: readonly bigint[];
  readonly boot: Boot;
}

export interface Subject {
  readonly name: string;
  /** Of the random runs of a law, which part is its. */
  readonly share: number;
  random(seed: number, options?: LawOptions): Live;
  /** General registers that a debugger may write, and memory. */
  readonly registers: readonly number[];
  readonly registerBytes: (live: Live) => number;
  readonly scratch: number;
  /** Sleeps, takes its timer's interrupts, and sees what is typed. */
  readonly ticks: readonly (readonly [name: string, boot: Boot])[];
  /** Programs that are typed at; `echo` comes back on the console. */
  readonly typedAt: readonly (readonly [
    name: string,
    clock: 'virtual' | 'realtime',
    boot: Boot,
    takes: boolean,
  ])[];
  /** How long they run at most, and how often something is typed. */
  readonly typing: { readonly steps: number; readonly everyMs: number };
  readonly echo: Boot;
  /** In which it does what it has to do. */
  readonly echoSteps: number;
  /** Turns the machine off. */
  readonly ends: Boot;
  /** Sets a timer that it does not listen to, and sleeps for ever. */
  readonly deafSleeper: Boot;
  /** Harts, three of them, that sleep in turns. */
  readonly sleepers: Boot;
  readonly debugged: readonly DebuggedProgram[];
  /** Programs that need no input, and how many steps make a run of more than a minute by `CountedClock`. */
  readonly quiet: readonly (readonly [name: string, steps: number, boot: Boot])[];
}

const RAM = 4 << 20;

// RISC-V.

const bytesOf =
  (name: string, bytes: () => Uint8Array): Boot =>
  ({ harts = 1, ...options } = {}) =>
    bootBytes(`${name}.bin`, bytes(), { ...options, config: { harts, ramBytes: RAM } });

const firmware =
  (width: Width, name: string): Boot =>
  ({ harts = 1, ...options } = {}) =>
    bootFixture(fixture(width, name), { ...options, config: { harts, ramBytes: RAM } });

/** Harts that have more than the default ones: the supervisor's own timer. */
const supervised: Boot = ({ harts = 1, ...options } = {}) =>
  bootBytes('supervisor.bin', supervisorTicks(64, 200), {
    ...options,
    config: { cpu: 'rv64', harts, ramBytes: RAM },
  });

/** `ticks`: its wfi, the instruction behind it, the handler of the timer, and the entry of all traps. */
const TICKS_CODE = [0x8000_02f8n, 0x8000_02fcn, 0x8000_02fen, 0x8000_01b0n];
/** Its `checksum`, its `ticks`, and what it never writes. */
const TICKS_DATA = [0x8000_1184n, 0x8000_1188n, 0x8000_3000n];
const COUNTER_DATA = [0x8000_1000n, 0x0200_0000n, 0x0200_0004n];

const clocked =
  (boot: Boot, clock: 'virtual' | 'realtime'): Boot =>
  options =>
    boot({ clock, ...options });
const every =
  (boot: Boot, snapshotIntervalSteps: number, harts = 1): Boot =>
  options =>
    boot({ snapshotIntervalSteps, harts, ...options });

/** Reads the RTC for ever and adds up what it says. */
function rtcSpin(): Uint8Array {
  const [T0, T1, S0] = [5, 6, 8];
  return asm.assemble([
    asm.lui(T0, 0x101),
    asm.LOADS.lw(T1, T0, 0),
    asm.REGISTER_OPS.add(S0, S0, T1),
    asm.jal(0, -8),
  ]);
}

/** Echoes what is typed by calls, and sleeps in them. */
const caller =
  (width: Width): Boot =>
  ({ harts = 1, ...options } = {}) =>
    bootFixture(fixture(width, 'semihosting'), {
      ...options,
      config: { harts, ramBytes: RAM, semihosting: 'console', args: 'e' },
    });

const riscvTyped = ([name, width, clock]: readonly [string, Width, 'virtual' | 'realtime']) =>
  [`${name} on ${width}`, clock, firmware(width, name), name !== 'demo'] as const;

/** What the pieces of newer extensions need. */
const NEWER = `su_${EXTENSION_NAMES.join('_')}`;

const RISCV: Subject = {
  name: 'RISC-V',
  share: 1,
  random(seed, { harts = 1, ...options } = {}) {
    const xlen = seed % 2 === 0 ? 32 : 64;
    // Half of them have what newer extensions bring in between.
    const newer = seed % 4 >= 2;
    const also = newer ? { also: (random: Random) => extensionPiece(random, xlen) } : {};
    return bootBytes('random.bin', randomImage({ seed, xlen, length: 60, ...also }), {
      ...options,
      config: { cpu: `rv${xlen}imac${newer ? NEWER : ''}`, harts, ramBytes: RAM },
    });
  },
  registers: Array.from({ length: 20 }, (_, n) => 5 + n),
  registerBytes: ({ session }) => session.machine.addressBits / 8,
  scratch: 0x8001_0000,
  ticks: [
    ['rv32', firmware('rv32', 'ticks')],
    ['rv64', firmware('rv64', 'ticks')],
  ],
  typedAt: [
    ...(
      [
        ['ticks', 'rv64', 'virtual'],
        ['ticks', 'rv32', 'virtual'],
        ['ticks', 'rv64', 'realtime'],
        ['ticks', 'rv32', 'realtime'],
        ['echo', 'rv64', 'virtual'],
        ['demo', 'rv32', 'virtual'],
      ] as const
    ).map(riscvTyped),
    ['calls by semihosting on rv64', 'virtual', caller('rv64'), true],
    ['calls by semihosting on rv32', 'realtime', caller('rv32'), true],
  ],
  typing: { steps: 40_000_000, everyMs: 150 },
  echo: firmware('rv64', 'echo'),
  echoSteps: 400_000,
  ends: firmware('rv64', 'demo'),
  deafSleeper: bytesOf('sleeper', deafSleeper),
  sleepers: every(bytesOf('ring', tokenRing), 500, 3),
  debugged: [
    ...(['virtual', 'realtime'] as const).map(clock => ({
      name: `ticks, ${clock} clock`,
      code: TICKS_CODE,
      data: TICKS_DATA,
      boot: clocked(every(firmware('rv64', 'ticks'), 9000), clock),
    })),
    {
      name: 'three busy harts',
      code: [0x8000_0010n, 0x8000_0014n],
      data: COUNTER_DATA,
      boot: every(bytesOf('counter', sharedCounter), 500, 3),
    },
    {
      name: 'three harts that sleep in turns',
      code: [0x8000_0034n, 0x8000_0038n, 0x8000_0044n],
      data: COUNTER_DATA,
      boot: every(bytesOf('ring', tokenRing), 500, 3),
    },
    {
      name: 'three harts whose supervisors have timers',
      code: [SUPERVISOR_TICKS.wfi, SUPERVISOR_TICKS.handler].map(BigInt),
      data: [SUPERVISOR_TICKS.count, 0x8000_2000].map(BigInt),
      boot: every(supervised, 500, 3),
    },
  ],
  quiet: [
    ['computes', 8_000_000, firmware('rv64', 'compute-long')],
    ['takes timer interrupts', 39_000_000, firmware('rv64', 'ticks')],
    ['takes timer interrupts in real time', 39_000_000, clocked(firmware('rv64', 'ticks'), 'realtime')],
    ['spins on the RTC', 6_000_000, bytesOf('rtc', rtcSpin)],
  ],
};

// The toy.

const toy =
  (program: ToyAssembler): Boot =>
  options =>
    bootToy(program.bytes(), options);

const busy = toyCounter();
/** Wakes after some thousand steps' worth of idle time. */
const ticks = toyTicks(40_000);
const often = toyTicks(1000);
/** Computes as much as it sleeps. */
const works = toyTicks(40_000, 1000);
const addresses = (program: ToyAssembler, ...labels: readonly string[]) =>
  labels.map(label => BigInt(program.addressOf(label)));
const TOY_DATA = [TOY_SCRATCH, TOY_SCRATCH - 0x1004, TOY_SCRATCH + 0x100].map(BigInt);

const TOY: Subject = {
  name: 'the toy',
  share: 0.2,
  random: (seed, options) => bootToy(randomToy(seed, 50), options),
  registers: Array.from({ length: 11 }, (_, n) => n),
  registerBytes: () => 4,
  scratch: TOY_SCRATCH,
  ticks: [['32 bits', toy(works)]],
  typedAt: [
    ['ticks', 'virtual', toy(works), true],
    ['ticks', 'realtime', toy(works), true],
    ['hello', 'virtual', toy(toyHello('hello', 1)), false],
  ],
  typing: { steps: 2_000_000, everyMs: 100 },
  echo: toy(toyEcho()),
  echoSteps: 12_000,
  ends: toy(toyHello('ends', 0)),
  deafSleeper: toy(toyDeafSleeper()),
  sleepers: every(toy(ticks), 500, 3),
  debugged: [
    ...(['virtual', 'realtime'] as const).map(clock => ({
      name: `ticks, ${clock} clock`,
      code: addresses(ticks, 'woken', 'store', 'interrupt', 'return'),
      data: TOY_DATA,
      boot: clocked(every(toy(ticks), 900), clock),
    })),
    {
      name: 'three busy harts',
      code: addresses(busy, 'loop', 'add'),
      data: TOY_DATA,
      boot: every(toy(busy), 500, 3),
    },
    {
      name: 'three harts that one timer wakes',
      code: addresses(often, 'woken', 'store', 'interrupt'),
      data: TOY_DATA,
      boot: every(toy(often), 500, 3),
    },
  ],
  quiet: [
    ['computes', 6_000_000, toy(busy)],
    ['takes timer interrupts', 6_000_000, toy(works)],
    ['takes timer interrupts in real time', 6_000_000, clocked(toy(works), 'realtime')],
    ['looks at its clock', 6_000_000, toy(toyClockSpin())],
  ],
};

export const SUBJECTS: readonly Subject[] = [RISCV, TOY];
/** For `describe.each`. */
export const EACH_SUBJECT = SUBJECTS.map(subject => [subject.name, subject] as const);
