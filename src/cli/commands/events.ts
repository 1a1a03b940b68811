import type { Command } from 'commander';
import { describeEvent } from '../../ports/input-event.js';
import { eventJson } from '../../replay/event-json.js';
import { readRecordingFile } from '../inputs.js';
import { isRead, printLine } from '../messages.js';
import { addOptions } from '../option-spec.js';
import { DAMAGED_OPTIONS, type DamagedOptions } from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';

const LINES_AT_A_TIME = 1000;

export function addEvents(program: Command, finish: Finish): void {
  const command = program
    .command('events')
    .summary('list the inputs of a recording')
    .description('Prints every input of a recording with the icount at which it entered the machine.')
    .argument('<recording>', 'file written by record or serve --record')
    .option('--json', 'one JSON object a line; bytes are hexadecimal');
  addOptions(command, DAMAGED_OPTIONS);
  addExamples(command, [
    ['backstub events run.bst', ''],
    ['backstub events run.bst --json | jq \'select(.kind == "console")\'', 'what was typed'],
  ]);
  command.action((file: string, options: DamagedOptions & { readonly json?: true }) =>
    finish(async () => {
      let lines = 0;
      for (const { icount, event } of readRecordingFile(file, options).events) {
        if (++lines % LINES_AT_A_TIME === 0 && !(await isRead())) break;
        const line = options.json ? eventJson({ icount, event }) : `${icount}\t${describeEvent(event)}`;
        printLine(line);
      }
      return 0;
    }),
  );
}
