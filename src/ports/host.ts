/** The host's end of devices, and its clock. */
import type { SoundFormat } from './device.js';

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
