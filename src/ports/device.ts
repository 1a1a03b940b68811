/** What a device is wired to, and how the bus sees it. */
import type { SemihostingCallAnswer, SemihostingCallRequest } from './semihosting-host.js';

/**
 * Interrupt line from a device to its controller. The call counts, not the edge: a device sets its line where the model
 * of it in QEMU calls `qemu_set_irq`, also to the level that it has.
 */
export interface IrqLine {
  set(level: boolean): void;
}

/** Virtual time, derived from icount alone. */
export interface VirtualClock {
  /** Nanoseconds since reset: an integer up to 2^53. */
  nowNs(): number;
}

/** One timer of a device. Timers are data: the board keeps the deadline and calls `Device.onTimer`. */
export interface TimerPort {
  /** Arms the timer; a deadline at or before now fires at the next boundary. Infinity disarms it. */
  arm(deadlineNs: number): void;
}

/** What was typed at a console and nobody has read yet, the oldest byte first. */
export interface TypedBytes {
  /** -1: there is none. */
  take(): number;
  /** To be called by one who waits, when it is made: told of fresh bytes before anybody else has them. */
  tellOfTyped(listener: () => void): void;
}

/** What the time registers of harts show. */
export interface TimeCounter {
  timeLow(): number;
  timeHigh(): number;
  /** The clock's time at which they show this value: now or before when they do, Infinity when they never will. */
  deadlineOf(low: number, high: number): number;
  /** The guest has set the time: deadlines are others. */
  tellOfWrites(listener: () => void): void;
}

/** Where each kind of input enters a device, and what the device wants or has room for. */
export interface InputPorts {
  /** `room`: bytes that can still be typed. */
  readonly console: { readonly room: number; type(bytes: Uint8Array): void };
  /** `room`: length of the longest packet that surely is not lost. */
  readonly network: { readonly room: number; receive(packet: Uint8Array): void };
  readonly input: { send(type: number, code: number, value: number): void };
  /** Samples that the host captures. */
  readonly 'audio-in': {
    readonly wanted: { readonly bytes: number; readonly format: SoundFormat } | undefined;
    capture(samples: Uint8Array): void;
  };
  /** Requests to a disk that the host completes, by number, the oldest first. */
  readonly block: {
    readonly inFlight: Uint32Array;
    readonly awaitsHost: boolean;
    /** The bytes of the disk that a request in flight is about. */
    extentOf(request: number): { readonly offset: number; readonly length: number };
    complete(request: number): void;
  };
  /** `wanted`: random bytes that would be good to have. */
  readonly entropy: { readonly wanted: number; feed(bytes: Uint8Array): void };
  /** Calls of harts that wait for the host's files. */
  readonly semihosting: {
    readonly wanted: boolean;
    /** The first of them; without a request it cannot be asked any more. */
    request(): SemihostingCallRequest;
    answer(answer: SemihostingCallAnswer): void;
    refusal(answer: SemihostingCallAnswer): string | undefined;
  };
}

/** A device's way to guest memory, by physical address. Views hold until the machine runs on. */
export interface DmaPort {
  /** The bytes to read, or undefined when some of them are not memory. */
  readable(address: number, length: number): Uint8Array | undefined;
  /** The bytes, about to be written; or undefined when some of them are not RAM. */
  writable(address: number, length: number): Uint8Array | undefined;
}

/** What a block device stores its sectors on. Offsets and lengths are in bytes, and within it. */
export interface BlockPort {
  /** Its size, in sectors of 512 bytes. */
  readonly sectors: number;
  /** How much of it can be kept changed: no longer write is carried out. */
  readonly mostChangedBytes: number;
  read(offset: number, to: Uint8Array): void;
  /** False, and nothing is written, when there is no room to keep changes. */
  write(offset: number, from: Uint8Array): boolean;
  /** As `write` of as many zeros. */
  zero(offset: number, length: number): boolean;
}

/** Where a device's random bytes come from. */
export interface EntropyPort {
  /** To be called by a device when it is made: it is told of fresh bytes of the host. */
  tellOfFresh(listener: { fed(): void }): void;
  /** Whether `draw` would give a byte; if not, the host is asked. */
  ready(): boolean;
  /** Puts bytes into the buffer from its start and returns how many. */
  draw(to: Uint8Array): number;
}

/** Bytes that a device sends to the host: console output. Never blocks the guest. */
export interface OutputPort {
  write(byte: number): void;
}

/** Bytes of a network packet for the guest: the device knows no longer ones. */
export const LONGEST_PACKET = 65_533;

/** A network device's way out. */
export interface PacketPort {
  /** An Ethernet frame without checksum. `ordinal` numbers the packets that the device has sent since its reset. */
  send(packet: Uint8Array, ordinal: number): void;
}

/** Samples are signed 16 bits, little-endian; those of one moment stand together. */
export interface SoundFormat {
  /** In Hz. */
  readonly rate: number;
  readonly channels: number;
}

/** Samples that a device plays. Never blocks the guest. */
export interface SoundPort {
  /** The samples hold until the machine runs on. `ordinal` counts the buffers played. */
  play(samples: Uint8Array, format: SoundFormat, ordinal: number): void;
}

/** Where what the guest sends to the host goes. Absent: it is dropped. */
export interface MachineOutputs {
  /** The 16550. */
  readonly serial: OutputPort;
  readonly virtioConsole?: OutputPort;
  /** What calls by semihosting print; absent: it goes where the 16550's does. */
  readonly semihosting?: OutputPort;
  readonly sound?: SoundPort | undefined;
  readonly network?: PacketPort | undefined;
}

/** Why the machine ends, asked for by the guest or by the host. */
export interface PowerPort {
  /** `code` is the exit code the guest asked for: 0 to 255. */
  powerOff(code: number): void;
  reset(): void;
}

/** A device seen from its board. */
export interface Device {
  /** One of the device's timers came due. `index` is the number given when it was wired. */
  onTimer?(index: number): void;
  /** The declared state was reset: lines and timers are set as it says. */
  settle?(): void;
  /** A boundary is reached: what was put off until then happens. */
  atBoundary?(): void;
  /** The declared state was replaced: what is derived follows it. */
  afterRestore?(): void;
  /** A device that cannot be replayed: its name, and what it depends on that no recording holds. */
  readonly notReplayable?: { readonly name: string; readonly because: string };
}

/** A device seen from the bus. Offsets are from the start of its window; values are unsigned. */
export interface MmioDevice extends Device {
  /** Access sizes in bytes that the guest may use; others are access faults. */
  readonly access: { readonly min: 1 | 2 | 4 | 8; readonly max: 1 | 2 | 4 | 8 };
  /** Largest size in bytes the device itself handles; the bus splits wider accesses, low address first. */
  readonly width: 1 | 2 | 4;
  /** Guest read; may have side effects. */
  read(offset: number, size: number): number;
  /** Guest write. */
  write(offset: number, size: number, value: number): void;
  /** The value a read would show, without side effects: for the debugger. */
  peek(offset: number, size: number): number;
}
