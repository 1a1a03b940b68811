import type { Command } from 'commander';
import { InputError } from '../../state/input-error.js';
import { readServed } from '../inputs.js';
import { bootMachine, firmwarePath } from '../machine-session.js';
import {
  addOptions,
  GDB_OPTIONS,
  type GdbOptions,
  HISTORY_OPTIONS,
  type HistoryOptions,
  MACHINE_OPTIONS,
  type MachineOptions,
} from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { openReplay } from '../replay-session.js';
import { DEFAULT_GDB, serveGdb } from '../serve-gdb.js';

type Options = MachineOptions & HistoryOptions & GdbOptions & { readonly record?: string };

/** What still has a meaning when the machine comes out of a recording. */
const FOR_RECORDINGS = new Set([
  'gdb',
  'jit',
  'serial',
  'virtioConsole',
  'kernel',
  ...Object.keys(HISTORY_OPTIONS),
]);

export function addServe(program: Command, finish: Finish): void {
  const command = program
    .command('serve')
    .summary('debug firmware, or a recording, with gdb')
    .description(
      'Serves a machine to gdb, halted at its first instruction. It goes back at once; nothing has to be recorded first.',
    )
    .argument('[file]', 'ELF file, raw image or recording');
  addOptions(command, GDB_OPTIONS);
  command.option('--record <file>', 'also write a recording; an existing file is replaced');
  addOptions(command, MACHINE_OPTIONS);
  addOptions(command, HISTORY_OPTIONS);
  addExamples(command, [
    ['backstub serve firmware.elf', 'then in gdb: target remote 127.0.0.1:1234'],
    ['backstub serve firmware.elf --gdb 127.0.0.1:0', 'on a free port, which is printed'],
    ['backstub serve firmware.elf --record session.bst', 'keep the session'],
    ['backstub serve run.bst', 'a recording'],
  ]);
  command.action((file: string | undefined, options: Options) =>
    finish(async () => {
      const path = firmwarePath(file, options);
      const served = readServed(path);
      if (served.kind === 'recording') refuseMachineOptions(path, options);
      const machine =
        served.kind === 'recording'
          ? await openReplay(served.recording, options)
          : await bootMachine(path, served.firmware, options);
      try {
        if (options.record !== undefined) machine.record(options.record);
        return await serveGdb(machine, options.gdb ?? DEFAULT_GDB);
      } finally {
        machine.close();
      }
    }),
  );
}

function refuseMachineOptions(path: string, options: Options): void {
  const refused = Object.keys(options).filter(name => !FOR_RECORDINGS.has(name));
  if (refused.length === 0) return;
  const names = refused
    .map(name => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`)
    .join(', ');
  throw new InputError(`${path} is a recording, which brings its own machine: ${names} cannot change it`);
}
