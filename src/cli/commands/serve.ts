import type { Command } from 'commander';
import { InputError } from '../../state/input-error.js';
import type { MomentName } from '../../timeline/debug-target.js';
import { comingMachine, FOR_CONTINUING } from '../continue-session.js';
import { readServed, refuseOptions } from '../inputs.js';
import { MACHINE_OPTIONS, type MachineOptions } from '../machine-options.js';
import { bootMachine, firmwarePath, type Opened } from '../machine-session.js';
import { addOptions } from '../option-spec.js';
import {
  GDB_OPTIONS,
  type GdbOptions,
  HISTORY_OPTIONS,
  type HistoryOptions,
  RECORDING_OPTIONS,
  type RecordingOptions,
  SAVE_OPTIONS,
  type SaveOptions,
  SYMBOL_OPTIONS,
  type SymbolOptions,
} from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { openReplay } from '../replay-session.js';
import { type Coming, DEFAULT_GDB, serveGdb } from '../serve-gdb.js';
import { parseMoment } from '../values.js';

type Options = MachineOptions &
  HistoryOptions &
  SaveOptions &
  RecordingOptions &
  SymbolOptions &
  GdbOptions & { readonly record?: string; readonly live?: MomentName };

/** What still has a meaning when the machine comes out of a recording, and when it goes on live from there. */
const FOR_REPLAY = [
  'gdb',
  'symbols',
  'saveDir',
  'jit',
  'trapLoopCheck',
  'serial',
  'virtioConsole',
  'kernel',
  ...Object.keys(HISTORY_OPTIONS),
];
const FOR_LIVE = [...FOR_REPLAY, 'live', 'record', 'fsync', ...FOR_CONTINUING];

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
  command.option(
    '--live <moment>',
    'of a recording: go on from a moment of it with new inputs, instead of replaying it',
    parseMoment,
  );
  addOptions(command, MACHINE_OPTIONS);
  addOptions(command, SYMBOL_OPTIONS);
  addOptions(command, RECORDING_OPTIONS);
  addOptions(command, SAVE_OPTIONS);
  addOptions(command, HISTORY_OPTIONS);
  addExamples(command, [
    ['backstub serve firmware.elf', 'then in gdb: target remote 127.0.0.1:1234'],
    ['backstub serve firmware.elf --gdb 127.0.0.1:0', 'on a free port, which is printed'],
    ['backstub serve firmware.elf --record session.bst', 'keep the session'],
    ['backstub serve run.bst', 'a recording'],
    ['backstub serve run.bst --live end --record more.bst', 'the machine it ended with, live again'],
  ]);
  command.action((file: string | undefined, options: Options) =>
    finish(async () => {
      const path = firmwarePath(file, options);
      const machine = await openServed(path, options);
      try {
        return await serveGdb(machine, options.gdb ?? DEFAULT_GDB, {
          listening(opened) {
            if (options.record !== undefined) opened.record(options.record, options);
          },
        });
      } finally {
        if ('opening' in machine) (await machine.opening.catch(() => undefined))?.close();
        else machine.close();
      }
    }),
  );
}

async function openServed(path: string, options: Options): Promise<Opened | Coming> {
  const served = readServed(path);
  if (served.kind === 'firmware') {
    if (options.live === undefined) return bootMachine(served.firmware, options);
    throw new InputError(`--live goes on from a recording, and ${path} is none`);
  }
  const { recording } = served;
  if (options.live !== undefined) {
    refuseOptions(path, options, FOR_LIVE);
    return comingMachine(path, recording, options.live, options);
  }
  if (options.record !== undefined)
    throw new InputError(`${path} is a recording already: --record needs --live, which goes on from it`);
  refuseOptions(path, options, FOR_REPLAY);
  return openReplay(recording, options);
}
