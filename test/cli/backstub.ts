import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(REPOSITORY, 'dist/cli/main.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the match once standard error shows `pattern`; rejects when the process ends without. */
  stderrMatch(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts the built command line; it is killed at the end of the test if it still runs. */
export function start(args: readonly string[], options: SpawnOptions = {}): Running {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run npm run build, or npm test, which does');
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return {
    process: child,
    ended,
    stderrMatch: pattern =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(stderr);
          if (match) resolve(match);
        };
        child.stderr?.on('data', look);
        child.on('close', code => reject(new Error(`ended with ${code} before ${pattern}: ${stderr}`)));
        look();
      }),
  };
}

/** Runs the built command line to its end. */
export const backstub = (...args: readonly string[]): Promise<Ended> => start(args).ended;

/** A folder of this test's own. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backstub-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
