import type { Command } from 'commander';
import { InputError } from '../../state/input-error.js';
import type { MomentName } from '../../timeline/debug-target.js';
import { continueMachine, FOR_CONTINUING } from '../continue-session.js';
import { readServed, refuseOptions, type Served } from '../inputs.js';
import { MACHINE_OPTIONS, type MachineOptions } from '../machine-options.js';
import { bootMachine, firmwarePath, type Opened } from '../machine-session.js';
import { CommandFailure, tell } from '../messages.js';
import { addOptions } from '../option-spec.js';
import {
  LIMIT_OPTIONS,
  type LimitOptions,
  RECORDING_OPTIONS,
  type RecordingOptions,
  SIZE_LIMIT_OPTIONS,
  type SizeLimitOptions,
  SYMBOL_OPTIONS,
  type SymbolOptions,
} from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { runToEnd } from '../run-to-end.js';
import { DEFAULT_GDB } from '../serve-gdb.js';
import { quoted } from '../shell-words.js';
import { parseMoment } from '../values.js';

type Options = MachineOptions &
  RecordingOptions &
  LimitOptions &
  SymbolOptions &
  SizeLimitOptions & { readonly output: string; readonly at?: MomentName };

/** What still has a meaning when the machine comes out of a recording. */
const FOR_RECORDINGS = [
  ...['output', 'at', ...FOR_CONTINUING],
  ...Object.keys({ ...LIMIT_OPTIONS, ...SIZE_LIMIT_OPTIONS, ...RECORDING_OPTIONS, ...SYMBOL_OPTIONS }),
];

export function addRecord(program: Command, finish: Finish): void {
  const command = program
    .command('record')
    .summary('run firmware and record it')
    .description(
      "Runs firmware to its end and records all of it. The exit code is the guest's. A recording instead of firmware goes on, live, from one of its moments; the new recording holds the machine as it is there.",
    )
    .argument('[firmware]', 'ELF file, raw image, or a recording to go on from')
    .requiredOption('-o, --output <file>', 'the recording to write; an existing file is replaced');
  command.option(
    '--at <moment>',
    'of a recording: where to go on: start, end, an icount, or the name of a snapshot (default: end)',
    parseMoment,
  );
  addOptions(command, RECORDING_OPTIONS);
  addOptions(command, MACHINE_OPTIONS);
  addOptions(command, SYMBOL_OPTIONS);
  addOptions(command, LIMIT_OPTIONS);
  addOptions(command, SIZE_LIMIT_OPTIONS);
  addExamples(command, [
    ['backstub record firmware.elf -o run.bst', 'console on this terminal'],
    ['backstub record firmware.elf -o run.bst --serial null --timeout 60', 'in CI'],
    ['backstub record booted.bst --at end -o run.bst', 'from the machine that a recording ended with'],
  ]);
  command.action((firmware: string | undefined, options: Options) =>
    finish(async () => {
      const path = firmwarePath(firmware, options);
      const source = readServed(path);
      const machine = await openSource(path, source, options);
      let failed = false;
      try {
        machine.record(options.output, options);
        const code = await runToEnd(machine, options);
        failed = (machine.session.status().powerOff?.code ?? 0) !== 0;
        return code;
      } catch (error) {
        failed = error instanceof CommandFailure;
        throw error;
      } finally {
        machine.close();
        if (failed) tellHowToOpen(options, source.kind === 'firmware' ? path : undefined);
      }
    }),
  );
}

async function openSource(path: string, source: Served, options: Options): Promise<Opened> {
  if (source.kind === 'recording') {
    refuseOptions(path, options, FOR_RECORDINGS);
    return continueMachine(path, source.recording, options.at ?? 'end', options);
  }
  if (options.at === undefined) return bootMachine(source.firmware, options);
  throw new InputError(`--at is a moment of a recording, and ${path} is none`);
}

/** A run that failed, in CI say, leaves the two lines that open its recording where the log ends. */
function tellHowToOpen({ output, symbols = [] }: Options, firmware: string | undefined): void {
  const named = symbols.map(path => ` --symbols ${quoted(path)}`).join('');
  tell(`to debug this run: backstub replay ${quoted(output)} --at end${named}`);
  const names = symbols[0] ?? firmware;
  const elf = names === undefined ? '' : ` ${quoted(names)}`;
  tell(`and in gdb: gdb-multiarch${elf} -ex 'target remote ${DEFAULT_GDB.host}:${DEFAULT_GDB.port}'`);
}
