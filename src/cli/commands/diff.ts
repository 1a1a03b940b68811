import type { Command } from 'commander';
import { planOf } from '../../boards/state-plan.js';
import { toHex } from '../../ports/bytes-text.js';
import { compareRecordings } from '../../replay/recording-diff.js';
import { describeComparison } from '../diff-text.js';
import { readRecordingFile } from '../inputs.js';
import { printLine } from '../messages.js';
import { addExamples, type Finish } from '../program-parts.js';

const EXIT_DIFFERENT = 1;

export function addDiff(program: Command, finish: Finish): void {
  const command = program
    .command('diff')
    .summary('find where two recordings part')
    .description(
      'Compares two recordings and names the first moment where they part: settings and images, then inputs, checkpoints of the same moment, and ends. Exits with 0 when they show the same, with 1 when they do not.',
    )
    .argument('<recording>', 'file written by record or serve --record')
    .argument('<other>', 'another one, of the same firmware')
    .option('--json', 'one JSON object; bytes are hexadecimal');
  addExamples(command, [['backstub diff good.bst bad.bst', 'what was different in the run that failed']]);
  command.action((first: string, second: string, options: { readonly json?: true }) =>
    finish(async () => {
      const left = { name: first, recording: readRecordingFile(first) };
      const right = { name: second, recording: readRecordingFile(second) };
      const { config } = left.recording.header;
      const comparison = compareRecordings(left.recording, right.recording, () => planOf(config));
      const lines = options.json ? [comparisonJson(comparison)] : describeComparison(left, right, comparison);
      for (const line of lines) printLine(line);
      return comparison.difference === undefined ? 0 : EXIT_DIFFERENT;
    }),
  );
}

function comparisonJson({ difference, ...agreed }: ReturnType<typeof compareRecordings>): string {
  return JSON.stringify({ same: difference === undefined, difference, agreed }, (_, value: unknown) =>
    value instanceof Uint8Array ? toHex(value) : value,
  );
}
