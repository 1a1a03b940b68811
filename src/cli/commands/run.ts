import type { Command } from 'commander';
import { readGuestFile } from '../inputs.js';
import { MACHINE_OPTIONS, type MachineOptions } from '../machine-options.js';
import { bootMachine, firmwarePath } from '../machine-session.js';
import { addOptions } from '../option-spec.js';
import { LIMIT_OPTIONS, type LimitOptions } from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { runToEnd } from '../run-to-end.js';

export function addRun(program: Command, finish: Finish): void {
  const command = program
    .command('run')
    .summary('run firmware, without a recording and without a debugger')
    .description("Runs firmware to its end. The exit code is the guest's; nothing is recorded.")
    .argument('[firmware]', 'ELF file or raw image');
  addOptions(command, MACHINE_OPTIONS);
  addOptions(command, LIMIT_OPTIONS);
  addExamples(command, [
    ['backstub run firmware.elf', 'console on this terminal'],
    ['backstub run firmware.elf --serial file:out.txt --timeout 10', 'for a script'],
  ]);
  command.action((firmware: string | undefined, options: MachineOptions & LimitOptions) =>
    finish(async () => {
      const path = firmwarePath(firmware, options);
      const machine = await bootMachine(readGuestFile(path, 'firmware'), options);
      try {
        return await runToEnd(machine, options);
      } finally {
        machine.close();
      }
    }),
  );
}
