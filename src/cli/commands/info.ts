import type { Command } from 'commander';
import { readRecordingFile } from '../inputs.js';
import { printLine } from '../messages.js';
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
  addExamples(command, [['backstub info run.bst', '']]);
  command.action((file: string) =>
    finish(async () => {
      for (const line of describeRecording(readRecordingFile(file))) printLine(line);
      return 0;
    }),
  );
}
