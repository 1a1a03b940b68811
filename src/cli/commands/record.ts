import type { Command } from 'commander';
import { readGuestFile } from '../inputs.js';
import { bootMachine, firmwarePath } from '../machine-session.js';
import { CommandFailure, tell } from '../messages.js';
import {
  addOptions,
  LIMIT_OPTIONS,
  type LimitOptions,
  MACHINE_OPTIONS,
  type MachineOptions,
  SIZE_LIMIT_OPTIONS,
  type SizeLimitOptions,
} from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { runToEnd } from '../run-to-end.js';
import { DEFAULT_GDB } from '../serve-gdb.js';

type Options = MachineOptions & LimitOptions & SizeLimitOptions & { readonly output: string };

export function addRecord(program: Command, finish: Finish): void {
  const command = program
    .command('record')
    .summary('run firmware and record it')
    .description("Runs firmware to its end and records all of it. The exit code is the guest's.")
    .argument('[firmware]', 'ELF file or raw image')
    .requiredOption('-o, --output <file>', 'the recording to write; an existing file is replaced');
  addOptions(command, MACHINE_OPTIONS);
  addOptions(command, LIMIT_OPTIONS);
  addOptions(command, SIZE_LIMIT_OPTIONS);
  addExamples(command, [
    ['backstub record firmware.elf -o run.bst', 'console on this terminal'],
    ['backstub record firmware.elf -o run.bst --serial null --timeout 60', 'in CI'],
  ]);
  command.action((firmware: string | undefined, options: Options) =>
    finish(async () => {
      const path = firmwarePath(firmware, options);
      const machine = await bootMachine(path, readGuestFile(path, 'firmware'), options);
      let failed = false;
      try {
        machine.record(options.output);
        const code = await runToEnd(machine, options);
        failed = (machine.session.status().powerOff?.code ?? 0) !== 0;
        return code;
      } catch (error) {
        failed = error instanceof CommandFailure;
        throw error;
      } finally {
        machine.close();
        if (failed) tellHowToOpen(options.output, path);
      }
    }),
  );
}

/** A run that failed, in CI say, leaves the two lines that open its recording where the log ends. */
function tellHowToOpen(recording: string, firmware: string): void {
  tell(`to debug this run: backstub replay ${quoted(recording)} --at end`);
  tell(
    `and in gdb: gdb-multiarch ${quoted(firmware)} -ex 'target remote ${DEFAULT_GDB.host}:${DEFAULT_GDB.port}'`,
  );
}

const quoted = (path: string): string =>
  /^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
