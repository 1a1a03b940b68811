import { nullConsole, openFileConsole } from '../host/console/outputs.js';
import { openPty } from '../host/console/pty.js';
import { connectSocketConsole } from '../host/console/socket.js';
import { openStdio } from '../host/console/stdio.js';
import type { ConsoleBackend } from '../ports/host.js';
import { InputError } from '../state/input-error.js';
import { commandFiles } from './command-files.js';
import { tell } from './messages.js';
import type { SerialSpec } from './values.js';

const STDIO: SerialSpec = { kind: 'stdio' };

/** `onQuit` is called when the user quits from the console's terminal. Throws InputError. */
export async function openConsole(spec: SerialSpec, onQuit: () => void): Promise<ConsoleBackend> {
  switch (spec.kind) {
    case 'stdio':
      commandFiles.claimStandardOutput('it is standard output, which the console has');
      return openStdio({ onQuit, tell });
    case 'null':
      return nullConsole;
    case 'file':
      return openFileConsole(spec.path, commandFiles, tell);
    case 'pty':
      return openPty(tell);
    case 'tcp':
      return connectSocketConsole({ host: spec.host, port: spec.port }, tell);
    case 'unix':
      return connectSocketConsole({ path: spec.path }, tell);
  }
}

/** Whether somebody may type at the console, so that idle time has to last as long as it says. */
export function isInteractive(spec: SerialSpec | undefined): boolean {
  switch (spec?.kind) {
    case 'tcp':
    case 'unix':
    case 'pty':
      return true;
    case 'stdio':
      return process.stdin.isTTY === true;
    default:
      return false;
  }
}

/** Of two consoles, only one can have the terminal: the virtio console takes it from one that is not named. */
export function chooseSerial(
  serial: SerialSpec | undefined,
  virtioConsole: SerialSpec | undefined,
): SerialSpec {
  if (virtioConsole?.kind !== 'stdio') return serial ?? STDIO;
  if (serial?.kind === 'stdio') throw new InputError('--serial and --virtio-console cannot both be stdio');
  return serial ?? { kind: 'null' };
}
