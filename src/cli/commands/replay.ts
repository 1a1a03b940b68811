import type { Command } from 'commander';
import type { MomentName } from '../../timeline/debug-target.js';
import { boundaryOf } from '../../timeline/history/moments.js';
import { readRecordingFile } from '../inputs.js';
import { addOptions } from '../option-spec.js';
import {
  DAMAGED_OPTIONS,
  type DamagedOptions,
  ENGINE_OPTIONS,
  type EngineOptions,
  GDB_OPTIONS,
  type GdbOptions,
  HISTORY_OPTIONS,
  type HistoryOptions,
  REPLAY_CONSOLE_OPTIONS,
  type ReplayConsoleOptions,
  SAVE_OPTIONS,
  type SaveOptions,
  SYMBOL_OPTIONS,
  type SymbolOptions,
} from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { openReplay } from '../replay-session.js';
import { DEFAULT_GDB, serveGdb } from '../serve-gdb.js';
import { parseMoment } from '../values.js';

type Options = GdbOptions &
  EngineOptions &
  DamagedOptions &
  HistoryOptions &
  ReplayConsoleOptions &
  SymbolOptions &
  SaveOptions & { readonly at?: MomentName };

export function addReplay(program: Command, finish: Finish): void {
  const command = program
    .command('replay')
    .summary('debug a recording with gdb')
    .description('Serves a recording to gdb. It replays exactly what was recorded, forwards and backwards.')
    .argument('<recording>', 'file written by record or serve --record')
    .option(
      '--at <moment>',
      'where to halt first: start, end, an icount, or the name of a snapshot (default: start)',
      parseMoment,
    );
  addOptions(command, GDB_OPTIONS);
  addOptions(command, REPLAY_CONSOLE_OPTIONS);
  addOptions(command, SAVE_OPTIONS);
  addOptions(command, SYMBOL_OPTIONS);
  addOptions(command, HISTORY_OPTIONS);
  addOptions(command, ENGINE_OPTIONS);
  addOptions(command, DAMAGED_OPTIONS);
  addExamples(command, [
    ['backstub replay run.bst', 'then in gdb: target remote 127.0.0.1:1234'],
    ['backstub replay run.bst --at end', 'start at the crash and go back'],
    ['backstub replay run.bst --symbols firmware.elf', 'monitor commands know its names'],
  ]);
  command.action((file: string, options: Options) =>
    finish(async () => {
      const machine = await openReplay(readRecordingFile(file, options), options);
      try {
        const { at } = options;
        const icount = at === undefined ? undefined : boundaryOf(machine.session.navigator, at).icount;
        return await serveGdb(machine, options.gdb ?? DEFAULT_GDB, { icount });
      } finally {
        machine.close();
      }
    }),
  );
}
