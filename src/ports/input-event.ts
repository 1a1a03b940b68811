/** The machine's one door: everything non-deterministic that enters it. */

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
