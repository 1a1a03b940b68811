import type { Command } from 'commander';
import { addDiff } from './commands/diff.js';
import { addEvents } from './commands/events.js';
import { addInfo } from './commands/info.js';
import { addExport, addImport } from './commands/parts.js';
import { addQemu } from './commands/qemu.js';
import { addRecord } from './commands/record.js';
import { addReplay } from './commands/replay.js';
import { addRun } from './commands/run.js';
import { addServe } from './commands/serve.js';
import { addTrim } from './commands/trim.js';
import { addVerify } from './commands/verify.js';
import { print } from './messages.js';
import { WordCommand } from './option-spec.js';
import { addExamples, type Finish } from './program-parts.js';

/** All commands. Errors of the command line are thrown as CommanderError, nothing is printed for them. */
export function buildProgram(version: string, finish: Finish): Command {
  const program = new WordCommand('backstub')
    .description('A RISC-V machine for gdb that runs backwards.')
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeOut: print })
    .helpCommand(false);
  const commands = [addServe, addRecord, addReplay, addVerify, addRun, addQemu];
  for (const add of [...commands, addInfo, addEvents, addDiff, addTrim, addExport, addImport])
    add(program, finish);
  addExamples(program, [
    ['backstub serve firmware.elf', 'debug it, both ways'],
    ['backstub record firmware.elf -o run.bst', 'record it, e.g. in CI'],
    ['backstub replay run.bst --at end', 'debug the recording'],
    ['backstub serve --help', 'options of a command'],
  ]);
  return program;
}
