import type { Command } from 'commander';
import { readGuestFile } from '../inputs.js';
import { bootMachine, firmwarePath } from '../machine-session.js';
import {
  addOptions,
  LIMIT_OPTIONS,
  type LimitOptions,
  MACHINE_OPTIONS,
  type MachineOptions,
} from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { runToEnd } from '../run-to-end.js';

type Options = MachineOptions & LimitOptions & { readonly output: string };

export function addRecord(program: Command, finish: Finish): void {
  const command = program
    .command('record')
    .summary('run firmware and record it')
    .description("Runs firmware to its end and records all of it. The exit code is the guest's.")
    .argument('[firmware]', 'ELF file or raw image')
    .requiredOption('-o, --output <file>', 'the recording to write; an existing file is replaced');
  addOptions(command, MACHINE_OPTIONS);
  addOptions(command, LIMIT_OPTIONS);
  addExamples(command, [
    ['backstub record firmware.elf -o run.bst', 'console on this terminal'],
    ['backstub record firmware.elf -o run.bst --serial null --timeout 60', 'in CI'],
  ]);
  command.action((firmware: string | undefined, options: Options) =>
    finish(async () => {
      const path = firmwarePath(firmware, options);
      const machine = await bootMachine(path, readGuestFile(path, 'firmware'), options);
      try {
        machine.record(options.output);
        return await runToEnd(machine, options);
      } finally {
        machine.close();
      }
    }),
  );
}
