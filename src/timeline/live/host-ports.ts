import type {
  BlockBackend,
  ConsoleBackend,
  HostClock,
  NetworkBackend,
  SoundBackend,
} from '../../ports/host.js';
import type { SemihostingBackend } from '../../ports/semihosting-host.js';
import type { ByteSink } from '../../replay/recording.js';
import type { SayAdvice } from '../../state/input-error.js';

/** The host's side of a session. What is absent is not there for the guest: output is dropped, input never comes. */
export interface HostPorts {
  /** Of the 16550. */
  readonly console: ConsoleBackend;
  readonly virtioConsole?: ConsoleBackend | undefined;
  /** What the network device is connected to. */
  readonly network?: NetworkBackend | undefined;
  readonly sound?: SoundBackend | undefined;
  /** What works on disk requests of a live machine with `diskAsync`; absent: they are done at once. */
  readonly blocks?: BlockBackend | undefined;
  /** The host's files for calls by semihosting; absent: it has none. */
  readonly semihosting?: SemihostingBackend | undefined;
  readonly clock: HostClock;
  /** Random bytes of the host: needed by a live machine whose entropy is the host's. */
  readonly random?: (length: number) => Uint8Array;
  /** How those who read this session's errors change a setting. */
  readonly say?: SayAdvice;
  /** Creates a file to append to, for `saveHistory`: where, says who may ask for it. Throws InputError. */
  readonly createFile?: (path: string) => ByteSink;
}
