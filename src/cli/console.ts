import { nullConsole, openFileConsole } from '../host/console/outputs.js';
import { openStdio } from '../host/console/stdio.js';
import { connectTcpConsole } from '../host/console/tcp.js';
import type { ConsoleBackend } from '../machine/ports.js';
import { tell } from './messages.js';
import type { SerialSpec } from './values.js';

export const STDIO: SerialSpec = { kind: 'stdio' };

/** `onQuit` is called when the user quits from the console's terminal. Throws InputError. */
export async function openConsole(spec: SerialSpec, onQuit: () => void): Promise<ConsoleBackend> {
  switch (spec.kind) {
    case 'stdio':
      return openStdio({ onQuit, tell });
    case 'null':
      return nullConsole;
    case 'file':
      return openFileConsole(spec.path, tell);
    case 'tcp':
      return connectTcpConsole(spec, tell);
  }
}

/** Whether somebody may type at the console, so that idle time has to last as long as it says. */
export function isInteractive(spec: SerialSpec): boolean {
  return spec.kind === 'tcp' || (spec.kind === 'stdio' && process.stdin.isTTY === true);
}
