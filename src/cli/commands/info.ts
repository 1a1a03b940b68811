import type { Command } from 'commander';
import { readRecordingFile } from '../inputs.js';
import { printLine } from '../messages.js';
import { addOptions } from '../option-spec.js';
import { DAMAGED_OPTIONS, type DamagedOptions } from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { describeRecording } from '../recording-text.js';

export function addInfo(program: Command, finish: Finish): void {
  const command = program
    .command('info')
    .summary('describe a recording')
    .description(
      'Prints what a recording holds: machine, images, length, events, checkpoints, and how it ends.',
    )
    .argument('<recording>', 'file written by record or serve --record');
  addOptions(command, DAMAGED_OPTIONS);
  addExamples(command, [['backstub info run.bst', '']]);
  command.action((file: string, options: DamagedOptions) =>
    finish(async () => {
      for (const line of describeRecording(readRecordingFile(file, options))) printLine(line);
      return 0;
    }),
  );
}
