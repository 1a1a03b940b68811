import { spawn } from 'node:child_process';
import { REPOSITORY } from './sessions.js';

/** Runs a script that imports the built package, as a program of its own; `boot` is there. */
export function runScript(
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const code = `import { boot } from './dist/api/index.js';\n${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', exit => resolve({ code: exit, stdout }));
  });
}
