import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { RspClient } from './rsp-client.js';

export type Xlen = 32 | 64;

const EXECUTABLE = { 32: 'qemu-system-riscv32', 64: 'qemu-system-riscv64' } as const;

/** Where scripts/qemu-10.mjs puts the QEMU that knows what 7.2 lacks. */
const QEMU_10 = join(homedir(), '.cache/backstub/qemu-10/usr/bin');

/** Why it cannot be used, as a line for a skipped test's name; undefined when it can. */
export const qemu10Available = (): string | undefined =>
  Object.values(EXECUTABLE).every(name => existsSync(join(QEMU_10, name)))
    ? undefined
    : 'QEMU 10 is not there: node scripts/qemu-10.mjs';

/** QEMU's default CPU less what an IMAC hart with M and U mode, Zicsr, Zifencei, Zicntr and PMP lacks. */
const without = (xlen: Xlen, ...names: string[]) =>
  [`rv${xlen}`, ...names.map(name => `${name}=false`)].join();
const UNRELATED = ['f', 'd', 'h', 'sstc', 'zba', 'zbb', 'zbc', 'zbs'];
export const IMAC_CPU: Readonly<Record<Xlen, string>> = {
  32: without(32, ...UNRELATED, 's', 'mmu'),
  64: without(64, ...UNRELATED, 's', 'mmu'),
};
/** The same with S mode and page tables. */
export const IMACS_CPU: Readonly<Record<Xlen, string>> = {
  32: without(32, ...UNRELATED),
  64: without(64, ...UNRELATED),
};

/** Why QEMU cannot be used here, as a line for a skipped test's name; undefined when it can. */
export function qemuAvailable(): string | undefined {
  for (const executable of Object.values(EXECUTABLE)) {
    if (spawnSync(executable, ['--version'], { stdio: 'ignore' }).status !== 0)
      return `${executable} is not installed: apt-get install qemu-system-misc`;
  }
  return undefined;
}

export interface GuestRun {
  readonly console: string;
  readonly code: number | null;
}

/** Runs a kernel until it powers off; `input` is typed at once. */
export async function runOnQemu(options: {
  readonly xlen: Xlen;
  readonly kernel: string;
  readonly input: string;
  readonly args?: readonly string[];
}): Promise<GuestRun> {
  const child = spawn(
    EXECUTABLE[options.xlen],
    // prettier-ignore
    ['-M', 'virt', '-bios', 'none', '-kernel', options.kernel, '-display', 'none', '-monitor', 'none'].concat(
      ['-serial', 'stdio'],
      options.args ?? [],
    ),
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.write(options.input);
  const code = await exitOf(child);
  if (errors.length > 0 && output.length === 0) throw new Error(Buffer.concat(errors).toString());
  return { console: Buffer.concat(output).toString('latin1'), code };
}

/** QEMU halted before its first instruction, with its gdb server on a socket of its own. */
export class QemuMachine implements AsyncDisposable {
  readonly client: RspClient;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(client: RspClient, child: ChildProcess, folder: string) {
    this.client = client;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(options: {
    readonly xlen: Xlen;
    /** As in QEMU's `-cpu`; IMAC with M and U mode when absent. */
    readonly cpu?: string;
    readonly args?: readonly string[];
    /** QEMU 10 instead of the one that is installed. */
    readonly recent?: boolean;
  }): Promise<QemuMachine> {
    const folder = await mkdtemp(join(tmpdir(), 'backstub-qemu-'));
    const socket = join(folder, 'gdb');
    const child = spawn(
      options.recent ? join(QEMU_10, EXECUTABLE[options.xlen]) : EXECUTABLE[options.xlen],
      ['-M', 'virt', '-cpu', options.cpu ?? IMAC_CPU[options.xlen], '-bios', 'none', '-S']
        .concat(['-display', 'none', '-monitor', 'none', '-serial', 'null'])
        .concat(['-chardev', `socket,id=gdb,path=${socket},server=on,wait=off`, '-gdb', 'chardev:gdb'])
        .concat(options.args ?? []),
      // Modules beside the installed QEMU are for that one.
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, QEMU_MODULE_DIR: folder } },
    );
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    try {
      const client = await connectWhenReady(socket, child);
      return new QemuMachine(client, child, folder);
    } catch (error) {
      kill();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    const gone = exitOf(this.#child);
    this.#child.kill('SIGKILL');
    await gone;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => resolve(code));
  });
}

/** Connects as soon as QEMU listens; fails with QEMU's own words if it ends instead. */
async function connectWhenReady(socket: string, child: ChildProcess): Promise<RspClient> {
  let ended: Error | undefined;
  const errors: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  child.once('error', error => {
    ended = error;
  });
  child.once('exit', code => {
    ended ??= new Error(`QEMU ended with code ${code}: ${Buffer.concat(errors).toString().trim()}`);
  });
  for (;;) {
    if (ended) throw ended;
    try {
      return await RspClient.connect(socket);
    } catch {
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }
}
