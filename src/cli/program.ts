import { Command } from 'commander';
import { addEvents } from './commands/events.js';
import { addInfo } from './commands/info.js';
import { addRecord } from './commands/record.js';
import { addReplay } from './commands/replay.js';
import { addRun } from './commands/run.js';
import { addServe } from './commands/serve.js';
import { addVerify } from './commands/verify.js';
import { addExamples, type Finish } from './program-parts.js';

/** All commands. Errors of the command line are thrown as CommanderError, nothing is printed for them. */
export function buildProgram(version: string, finish: Finish): Command {
  const program = new Command('backstub')
    .description('A RISC-V machine for gdb that runs backwards.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .helpCommand(false);
  for (const add of [addServe, addRecord, addReplay, addVerify, addRun, addInfo, addEvents]) {
    add(program, finish);
  }
  addExamples(program, [
    ['backstub serve firmware.elf', 'debug it, both ways'],
    ['backstub record firmware.elf -o run.bst', 'record it, e.g. in CI'],
    ['backstub replay run.bst --at end', 'debug the recording'],
    ['backstub serve --help', 'options of a command'],
  ]);
  return program;
}
