/** Drives a real gdb in tests: whole batches, or one command after the other. */

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';

export const GDB = 'gdb-multiarch';

/** Whether gdb is installed; tests that need it are skipped with `describe.skipIf(!hasGdb)`. */
export const hasGdb = spawnSync(GDB, ['--version']).status === 0;

const SETTINGS = [
  'set confirm off',
  'set pagination off',
  'set width 0',
  'set height 0',
  'set style enabled off',
  'set debuginfod enabled off',
  'set remotetimeout 30',
];

export interface GdbBatch {
  readonly commands: readonly string[];
  readonly elf?: string | undefined;
  /** Connects to this port of 127.0.0.1 before the commands; without it they connect themselves. */
  readonly port?: number | undefined;
  /** `remote` or `extended-remote`. */
  readonly target?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface GdbOutput {
  /** Standard output and error as they came. */
  readonly stdout: string;
  readonly exitCode: number | null;
}

/** Runs `gdb -batch`. A failing command does not stop the later ones. Rejects, with the output, on timeout. */
export function runGdb(batch: GdbBatch): Promise<GdbOutput> {
  const { commands, elf, port, target = 'remote', timeoutMs = 30_000 } = batch;
  const connect = port === undefined ? [] : [`target ${target} 127.0.0.1:${port}`];
  const args = [...SETTINGS, ...connect, ...commands].flatMap(command => ['-ex', command]);
  const gdb = spawn(GDB, ['-q', '-nx', '-batch', ...args, ...(elf === undefined ? [] : [elf])]);
  return new Promise((resolve, reject) => {
    let stdout = '';
    const collect = (chunk: Buffer) => {
      stdout += chunk.toString();
    };
    gdb.stdout.on('data', collect);
    gdb.stderr.on('data', collect);
    gdb.stdin.end();
    const timer = setTimeout(() => {
      gdb.kill('SIGKILL');
      reject(new Error(`gdb took longer than ${timeoutMs} ms; so far:\n${stdout}`));
    }, timeoutMs);
    gdb.on('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    gdb.on('close', exitCode => {
      clearTimeout(timer);
      resolve({ stdout, exitCode });
    });
  });
}

export interface GdbSessionOptions {
  readonly elf?: string | undefined;
  readonly port?: number | undefined;
  readonly target?: string | undefined;
  /** Where gdb runs: debug information names sources relative to it. */
  readonly cwd?: string | undefined;
  /** For each command. */
  readonly timeoutMs?: number | undefined;
  /** `mi-async on` before connecting, as editors have it; `interrupt` then is `-exec-interrupt`. */
  readonly async?: boolean | undefined;
}

type ResultClass = 'done' | 'running' | 'connected' | 'error' | 'exit';

interface Pending {
  /** Whether the records of the machine interface are wanted, not the console's text. */
  readonly raw: boolean;
  output: string;
  result: ResultClass | undefined;
  stopped: boolean;
  readonly finish: (output: string) => void;
  readonly fail: (error: Error) => void;
}

/**
 * An interactive gdb, spoken to over its machine interface. Use `await using session = await
 * GdbSession.start(...)` so that it ends with the test.
 */
export class GdbSession {
  private readonly gdb: ChildProcessWithoutNullStreams;
  private readonly timeoutMs: number;
  private readonly exited: Promise<void>;
  private pending: Pending | undefined;
  private token = 0;
  private hung = false;
  private partialLine = '';
  private transcript = '';
  private ready: () => void = () => {};

  private constructor(private readonly options: GdbSessionOptions) {
    this.timeoutMs = options.timeoutMs ?? 30_000;
    const elf = options.elf === undefined ? [] : [options.elf];
    this.gdb = spawn(GDB, ['-q', '-nx', '--interpreter=mi3', ...elf], { cwd: options.cwd });
    this.gdb.stdin.on('error', () => {});
    this.exited = new Promise(resolve => {
      this.gdb.on('exit', () => resolve());
      this.gdb.on('error', () => resolve());
    });
    this.gdb.on('error', error => this.pending?.fail(error));
    // Not `close`: a child of gdb may keep the pipes open.
    this.gdb.on('exit', () => {
      for (const pipe of [this.gdb.stdin, this.gdb.stdout, this.gdb.stderr]) pipe.destroy();
      this.pending?.fail(new Error(`gdb ended; transcript:\n${this.transcript}`));
    });
    this.gdb.stdout.on('data', (chunk: Buffer) => this.read(chunk.toString()));
    this.gdb.stderr.on('data', (chunk: Buffer) => {
      this.transcript += chunk.toString();
    });
  }

  /** Starts gdb and, when a port is given, connects to it. */
  static async start(options: GdbSessionOptions = {}): Promise<GdbSession> {
    const session = new GdbSession(options);
    try {
      await new Promise<void>((resolve, reject) => {
        session.ready = resolve;
        session.gdb.once('error', reject);
        session.gdb.once('exit', () => reject(new Error('gdb ended at once')));
      });
      for (const setting of SETTINGS) await session.command(setting);
      if (options.async) await session.command('set mi-async on');
      if (options.port !== undefined) {
        await session.command(`target ${options.target ?? 'remote'} 127.0.0.1:${options.port}`);
      }
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /**
   * Runs a console command and returns what the user would see, error messages included. A command that
   * resumes the machine is over when it has stopped; to interrupt one, keep the promise and call `interrupt`.
   */
  command(text: string): Promise<string> {
    return this.perform(`-interpreter-exec console ${JSON.stringify(text)}`, false);
  }

  /** Runs a command of the machine interface, e.g. `-exec-continue --reverse`, and returns its records. */
  mi(text: string): Promise<string> {
    return this.perform(text, true);
  }

  /** Ctrl-C. */
  interrupt(): void {
    if (this.options.async) this.write('-exec-interrupt');
    else this.gdb.kill('SIGINT');
  }

  /** Everything gdb said, for messages of failing tests. */
  log(): string {
    return this.transcript;
  }

  /** Ends gdb without a farewell to the stub, as a crash would. */
  async kill(): Promise<void> {
    this.gdb.kill('SIGKILL');
    await this.exited;
  }

  /** Ends gdb; never throws, also when it hangs. */
  async close(): Promise<void> {
    const patienceMs = this.hung || this.pending !== undefined ? 0 : 5000;
    const timer = setTimeout(() => this.gdb.kill('SIGKILL'), patienceMs);
    this.pending?.fail(new Error('the gdb session was closed'));
    this.write('-gdb-exit');
    await this.exited;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private perform(line: string, raw: boolean): Promise<string> {
    if (this.pending !== undefined) throw new Error(`gdb is still busy; cannot run "${line}"`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.hung = true;
        this.pending?.fail(
          new Error(`"${line}" took longer than ${this.timeoutMs} ms; transcript:\n${this.transcript}`),
        );
      }, this.timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        this.pending = undefined;
      };
      this.pending = {
        raw,
        output: '',
        result: undefined,
        stopped: false,
        finish: output => {
          settle();
          resolve(output);
        },
        fail: error => {
          settle();
          reject(error);
        },
      };
      this.write(`${++this.token}${line}`);
    });
  }

  private write(line: string): void {
    this.transcript += `>>> ${line}\n`;
    if (this.gdb.stdin.writable) this.gdb.stdin.write(`${line}\n`);
  }

  private read(chunk: string): void {
    this.transcript += chunk;
    const lines = (this.partialLine + chunk).split('\n');
    this.partialLine = lines.pop()!;
    for (const line of lines) this.readLine(line);
  }

  private readLine(line: string): void {
    if (line.startsWith('(gdb)')) {
      this.ready();
      this.finishIfComplete();
      return;
    }
    const { pending } = this;
    if (pending === undefined) return;
    if (pending.raw) pending.output += `${line}\n`;
    const stream = /^[~@&](".*")\s*$/.exec(line);
    if (stream !== null) {
      if (!pending.raw) pending.output += unquote(stream[1]!);
      return;
    }
    const result = /^(\d*)\^(done|running|connected|error|exit)(?:,msg="((?:[^"\\]|\\.)*)")?/.exec(line);
    if (result !== null) {
      if (Number(result[1]) === this.token) this.readResult(pending, result[2]!, result[3]);
    } else if (line.startsWith('*running')) {
      pending.stopped = false;
    } else if (line.startsWith('*stopped') || line.startsWith('=thread-group-exited')) {
      pending.stopped = true;
      // Only a synchronous gdb prompts after a stop.
      if (this.options.async) this.finishIfComplete();
    }
  }

  private readResult(pending: Pending, result: string, quotedMessage: string | undefined): void {
    pending.result = result as ResultClass;
    if (pending.raw || quotedMessage === undefined) return;
    const message = unquote(`"${quotedMessage}"`);
    if (!pending.output.includes(message)) pending.output += `${message}\n`;
  }

  private finishIfComplete(): void {
    const { pending } = this;
    if (pending?.result === undefined) return;
    if (pending.result === 'running' && !pending.stopped) return;
    pending.finish(pending.output);
  }
}

/** A C string as gdb writes it: octal escapes are bytes of UTF-8. */
function unquote(quoted: string): string {
  const bytes: number[] = [];
  const text = quoted.slice(1, -1);
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\') {
      bytes.push(...Buffer.from(text[at]!));
      continue;
    }
    const octal = /^[0-7]{3}/.exec(text.slice(at + 1));
    if (octal !== null) {
      bytes.push(Number.parseInt(octal[0], 8));
      at += 3;
    } else {
      at++;
      const escaped = { n: '\n', t: '\t', r: '\r' }[text[at]!] ?? text[at]!;
      bytes.push(...Buffer.from(escaped));
    }
  }
  return Buffer.from(bytes).toString();
}
