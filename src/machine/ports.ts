/**
 * Types of the machine's one door and of the ports a device is wired to.
 * Types only: devices, replay and host may name them without knowing the machine.
 */

/** What must be equal for two machines to behave equally; stored in every recording. */
export interface MachineConfig {
  readonly board: 'virt';
  /** Which of its behaviours that have changed over time it has: see revisions.ts. */
  readonly machineRevision: number;
  /** 32 or 64. */
  readonly xlen: 32 | 64;
  /** ISA string, e.g. `rv64imac_zicntr_zicsr_zifencei`; with the letter `s` (`rv64imacsu`) there is supervisor mode. */
  readonly isa: string;
  /** Number of harts, 1 to 8. */
  readonly harts: number;
  /** Guest RAM in bytes; a multiple of 4096. */
  readonly ramBytes: number;
  /** One step lasts 2^shift ns of virtual time, as QEMU's `-icount shift=N`. */
  readonly icountShift: number;
  /** Steps a hart may run before the next runnable one gets its turn. */
  readonly quantum: number;
  /** Seed of everything random that the machine hands out (device tree rng-seed, `seed` CSR). */
  readonly entropySeed: number;
  /** Randomness comes from the host and is recorded, but for the device tree's; absent: from the seed. */
  readonly entropy?: 'host';
  /** Kernel command line for /chosen/bootargs. */
  readonly append: string;
  /** Address the boot ROM jumps to. */
  readonly entry: number;
  /** What the RTC shows at virtual time zero: whole seconds since 1970-01-01 00:00 UTC. */
  readonly rtcSeconds: number;
  /** Interface of the virtio-mmio slots: `legacy` is version 1, QEMU's default; `modern` is version 2. */
  readonly virtio: 'legacy' | 'modern';
  /** Size in 512-byte sectors of each disk, in the order given; the first stands in the highest slot. */
  readonly disks: readonly number[];
  /** There is an entropy device. */
  readonly rng?: true;
  /** There is a virtio console. */
  readonly virtioConsole?: true;
  /** Input devices, in order. */
  readonly inputs?: readonly InputDeviceKind[];
  /** There is a sound device: what it captures is silence, or the host's samples. */
  readonly sound?: 'playback' | 'duplex';
  /** Requests to disks complete when the host says so, which is recorded; absent: after a fixed virtual time. */
  readonly diskAsync?: true;
  /** Whether there is a network device; it stands behind the disks. */
  readonly network: boolean;
}

export type InputDeviceKind = 'keyboard' | 'mouse' | 'tablet';

/** Bytes placed in guest memory at reset, by physical address; or part of a disk's contents. */
export interface BootImage {
  /** Where it came from, for messages: a file's base name or `device tree`. */
  readonly name: string;
  /** Number of the disk that holds the bytes; absent: they go to memory. */
  readonly disk?: number;
  /** Physical address, or byte offset on the disk. */
  readonly address: number;
  /** May be read from a file at its first use. */
  readonly bytes: Uint8Array;
  /** How many they are, where it can be said without reading them. */
  readonly byteLength?: number;
}

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

/** What a disk holds when the machine is built: zeros but for the extents, which are in order. */
export interface DiskContents {
  /** Of the image file, for messages. */
  readonly name: string;
  readonly sectors: number;
  readonly extents: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** Where a device's random bytes come from. */
export interface EntropyPort {
  /** Whether `draw` would give a byte; if not, the host is asked, and the device hears when there are some. */
  ready(): boolean;
  /** Puts bytes into the buffer from its start and returns how many. */
  draw(to: Uint8Array): number;
}

/** Bytes that a device sends to the host: console output. Never blocks the guest. */
export interface OutputPort {
  write(byte: number): void;
}

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
  readonly sound?: SoundPort | undefined;
  readonly network?: PacketPort | undefined;
}

/** Why the machine ends, asked for by the guest or by the host. */
export interface PowerPort {
  /** `code` is the exit code the guest asked for: 0 to 255. */
  powerOff(code: number): void;
  reset(): void;
}

/** A device seen from the bus. Offsets are from the start of its window; values are unsigned. */
export interface MmioDevice {
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
  /** One of the device's timers came due. `index` is the number given when it was wired. */
  onTimer?(index: number): void;
  /** A device that cannot be replayed: its name, and what it depends on that no recording holds. */
  readonly notReplayable?: { readonly name: string; readonly because: string };
}

/** Everything non-deterministic that enters the machine, in the order it enters. */
export type InputEvent =
  /** Bytes typed at a console; `port` numbers the character devices: 0 is the 16550, 1 the virtio console. */
  | { readonly kind: 'console'; readonly port: number; readonly bytes: Uint8Array }
  /** One event of an input device, in the numbers of Linux's input layer; type 0 reports those before it. */
  | {
      readonly kind: 'input';
      /** Index in the configuration's `inputs`. */
      readonly device: number;
      /** Type and code have 16 bits; the value is a signed 32-bit one. */
      readonly type: number;
      readonly code: number;
      readonly value: number;
    }
  /** Samples captured by the host's microphone, in the format that the guest chose. */
  | { readonly kind: 'audio-in'; readonly bytes: Uint8Array }
  /** The host has finished a request to a disk. */
  | { readonly kind: 'block'; readonly disk: number; readonly request: number }
  /** Random bytes of the host. */
  | { readonly kind: 'entropy'; readonly bytes: Uint8Array }
  /** An Ethernet frame arrives at network device `port`, without checksum. */
  | { readonly kind: 'network'; readonly port: number; readonly bytes: Uint8Array }
  /** The host asks for power-off (signal, monitor). */
  | { readonly kind: 'shutdown'; readonly cause: ShutdownCause }
  /** The host asks for a reset (`monitor reset`). */
  | { readonly kind: 'reset'; readonly cause: ResetCause }
  /** Idle time cut short by an input or a debugger's stop: the virtual time, in ns, that was reached. */
  | { readonly kind: 'warp'; readonly ns: number }
  /** A debugger wrote a register; `register` is the number the machine's register description gives it. */
  | {
      readonly kind: 'write-register';
      readonly hart: number;
      readonly register: number;
      readonly bytes: Uint8Array;
    }
  /** A debugger wrote memory at a virtual address of `hart`: 16 hex digits, most significant first. */
  | {
      readonly kind: 'write-memory';
      readonly hart: number;
      readonly address: string;
      readonly bytes: Uint8Array;
    };

export type ResetCause = 'monitor' | 'script';

export type ShutdownCause = 'host-signal' | 'host-quit' | 'monitor';

/** An input event with the icount of the boundary where it entered. */
export interface LoggedEvent {
  readonly icount: number;
  readonly event: InputEvent;
}

/** How a machine ended. */
export type PowerState = { readonly kind: 'on' } | { readonly kind: 'off'; readonly code: number };

/** The host's end of a character device. The listener only queues: bytes enter at a step boundary. */
export interface ConsoleBackend {
  /** Shows guest output; never blocks and never throws. */
  write(bytes: Uint8Array): void;
  /** Starts reading host input; a machine that takes no input never calls it. One listener only. */
  onInput(listener: (bytes: Uint8Array) => void): void;
  /** Gives the terminal, file or socket back. May be called more than once. */
  close(): void;
}

/** The other end of a network device's cable. The listener only queues: packets enter at a step boundary. */
export interface NetworkBackend {
  /** Takes an Ethernet frame that the guest sent; never blocks and never throws. The bytes stay as they are. */
  send(packet: Uint8Array): void;
  /** Starts handing over frames for the guest. One listener only. */
  onReceive(listener: (packet: Uint8Array) => void): void;
  /** Closes every socket. May be called more than once. */
  close(): void;
}

/** A disk whose requests complete when the host has done as much work. `done` is called later, never at once. */
export interface BlockBackend {
  start(disk: number, offset: number, length: number, done: () => void): void;
}

/** The host's end of a sound device. */
export interface SoundBackend {
  /** Never blocks and never throws. */
  play(samples: Uint8Array, format: SoundFormat): void;
  /** Captured samples, exactly as many bytes; absent: the host captures nothing. */
  capture?(bytes: number, format: SoundFormat): Uint8Array;
  close(): void;
}

/** The host's time: pacing and limits only, never a value that the guest sees. */
export interface HostClock {
  /** Milliseconds of a monotonic clock with an arbitrary start. */
  nowMs(): number;
  /** Lets host callbacks run for `ms`, less when `wake` settles first. 0 yields once. */
  sleep(ms: number, wake: Promise<void>): Promise<void>;
}
