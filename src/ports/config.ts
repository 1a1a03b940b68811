/** What a machine is made of: its configuration and the bytes it starts with. */

/** What must be equal for two machines to behave equally; stored in every recording. */
export interface MachineConfig {
  /** What it is built as: see `buildMachine`. */
  readonly board: string;
  /** Which of its behaviours that have changed over time it has: see revisions.ts. */
  readonly machineRevision: number;
  /** Width of an address. */
  readonly xlen: 32 | 64;
  /** Which instruction set, in the board's words: for `virt` an ISA string, e.g. `rv64imacsu_zicsr_zifencei`. */
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

/** How boards that are known here name their instruction sets; of others only what builds them knows. */
export const ISA_NAMES: ReadonlyMap<string, RegExp> = new Map([
  ['virt', /^rv(32|64)[a-z]{1,26}(_[a-z][a-z0-9]+){0,64}$/],
]);

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

/** What a disk holds when the machine is built: zeros but for the extents, which are in order. */
export interface DiskContents {
  /** Of the image file, for messages. */
  readonly name: string;
  readonly sectors: number;
  readonly extents: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}
