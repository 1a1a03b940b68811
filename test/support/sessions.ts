/** Sessions of real firmware for tests: a machine with its history, and a gdb server in front of it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { bootSession, replaySession, type Session, type SessionOptions } from '../../src/assembly/session.js';
import { GdbServer } from '../../src/gdb/server.js';
import { systemClock } from '../../src/host/clock.js';
import type { MachineConfig } from '../../src/ports/config.js';
import type { HostClock, NetworkBackend } from '../../src/ports/host.js';
import type { SemihostingBackend } from '../../src/ports/semihosting-host.js';
import type { ByteSink, Recording } from '../../src/replay/recording.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import type { HistoryPart } from '../../src/timeline/debug-target.js';
import type { HostPorts } from '../../src/timeline/live/host-ports.js';
import { buildToy } from '../toy/toy-board.js';
import { GdbSession, type GdbSessionOptions } from './gdb.js';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export type Width = 'rv32' | 'rv64';

export const fixture = (width: Width, name: string): string => `fixtures/${width}/${name}.elf`;

export type BootOptions = Partial<SessionOptions> & {
  readonly hostClock?: HostClock;
  readonly network?: NetworkBackend;
  /** The host's files for calls by semihosting. */
  readonly semihosting?: SemihostingBackend;
};

export interface Live {
  readonly session: Session;
  readonly console: MemoryConsole;
  /** What the session wrote, by path. */
  readonly files: ReadonlyMap<string, MemoryFile>;
}

function memoryFiles() {
  const files = new Map<string, MemoryFile>();
  const createFile = (path: string) => {
    const file = new MemoryFile();
    files.set(path, file);
    return file;
  };
  return { files, createFile };
}

/** A live machine with a console in memory. `path` is relative to the repository. */
export function bootFixture(path: string, options: BootOptions = {}): Live {
  return bootBytes(path, readFileSync(join(REPOSITORY, path)), options);
}

export function bootBytes(name: string, bytes: Uint8Array, options: BootOptions = {}): Live {
  const { hostClock, network, semihosting, ...rest } = options;
  const boot = (host: HostPorts) => bootSession({ name, bytes }, { clock: 'virtual', ...rest }, host);
  return liveWith(boot, hostClock, network, semihosting);
}

/** A session with a console and files in memory. */
export function liveWith(
  open: (host: HostPorts) => Session,
  clock: HostClock = systemClock,
  network?: NetworkBackend,
  semihosting?: SemihostingBackend,
): Live {
  const console = new MemoryConsole();
  const { files, createFile } = memoryFiles();
  return { session: open({ console, clock, network, semihosting, createFile }), console, files };
}

/** What makes the machine of a configuration, beside the boards that src/ knows. */
export const boardOf = ({ board }: Pick<MachineConfig, 'board'>) =>
  board === 'toy' ? { build: buildToy } : {};

/** A recording's bytes as they are written. */
export class MemoryFile implements ByteSink {
  readonly #pieces: Uint8Array[] = [];

  append(bytes: Uint8Array): void {
    this.#pieces.push(bytes.slice());
  }

  publish(): void {}

  sync(): void {}

  close(): void {}

  get length(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#pieces));
  }

  /** Reads it back, as any program would. */
  read(): Recording {
    return readRecording(this.bytes, { name: 'recording in memory' });
  }
}

export function replay(
  recording: Recording,
  options: Pick<SessionOptions, 'snapshotIntervalSteps' | 'jit' | 'symbols' | 'build'> = {},
): Live & { readonly virtioConsole: MemoryConsole } {
  const console = new MemoryConsole();
  const virtioConsole = new MemoryConsole();
  const { files, createFile } = memoryFiles();
  const host = { console, virtioConsole, clock: systemClock, createFile };
  const session = replaySession(
    recording,
    { clock: 'virtual', ...options, ...boardOf(recording.header.config) },
    host,
  );
  return { session, console, virtioConsole, files };
}

/** A part of a session's history, written and read back. */
export async function savedPart({ session, files }: Live, part: HistoryPart): Promise<Recording> {
  await session.saveHistory('part', part);
  return files.get('part')!.read();
}

/** A gdb server before a session, and gdbs that know the firmware. */
export class Served implements AsyncDisposable {
  private constructor(
    readonly session: Session,
    readonly console: MemoryConsole,
    readonly server: GdbServer,
    readonly elf: string,
    readonly files: Live['files'],
  ) {}

  static async start(live: Live, elf: string, options: { graceMs?: number } = {}): Promise<Served> {
    const server = await GdbServer.start(live.session, { port: 0, ...options });
    return new Served(live.session, live.console, server, elf, live.files);
  }

  /** Boots a fixture and serves it. */
  static boot(path: string, options: BootOptions = {}): Promise<Served> {
    return Served.start(bootFixture(path, options), path);
  }

  get port(): number {
    return this.server.port;
  }

  gdb(options: GdbSessionOptions = {}): Promise<GdbSession> {
    return GdbSession.start({
      elf: join(REPOSITORY, this.elf),
      cwd: REPOSITORY,
      port: this.port,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    this.session.close();
  }
}

/** The state and memory of a session at its present moment, to compare. */
export const digestsOf = (session: Session): Readonly<Record<string, string>> => session.checkpoint().digests;

/** Value of `info registers NAME` or `print/x EXPR` at the end of a line. */
export function lastHex(output: string): number {
  const found = [...output.matchAll(/0x([0-9a-f]+)/g)].at(-1);
  if (found === null || found === undefined) throw new Error(`no hexadecimal number in "${output}"`);
  return Number.parseInt(found[1], 16);
}
