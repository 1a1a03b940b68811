import type { Command } from 'commander';
import { startIcount } from '../../replay/recording.js';
import type { MomentName } from '../../timeline/debug-target.js';
import { commandFiles } from '../command-files.js';
import { readRecordingFile } from '../inputs.js';
import { printLine } from '../messages.js';
import { addOptions } from '../option-spec.js';
import { DAMAGED_OPTIONS, type DamagedOptions, ENGINE_OPTIONS, type EngineOptions } from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { describeRange } from '../recording-text.js';
import { openReplay } from '../replay-session.js';
import { signalExitCode, withSignals } from '../signals.js';
import { parseMoment } from '../values.js';

type Options = EngineOptions &
  DamagedOptions & {
    readonly from?: MomentName;
    readonly to?: MomentName;
    readonly output: string;
  };

export function addTrim(program: Command, finish: Finish): void {
  const command = program
    .command('trim')
    .summary('write a part of a recording as a recording')
    .description(
      'Replays a recording up to where the part begins, checks every digest on the way, and writes the part: with all of the machine as it is there, so that it replays without what came before.',
    )
    .argument('<recording>', 'file written by record or serve --record')
    .option(
      '--from <moment>',
      'where the part begins: start, end, an icount, or the name of a snapshot (default: start)',
      parseMoment,
    )
    .option('--to <moment>', 'where it ends (default: end)', parseMoment)
    .requiredOption('-o, --output <file>', 'the recording to write; an existing file is replaced');
  addOptions(command, ENGINE_OPTIONS);
  addOptions(command, DAMAGED_OPTIONS);
  addExamples(command, [
    ['backstub trim run.bst --from 90_000_000 -o crash.bst', 'the last part, to send or to look at often'],
    ['backstub trim run.bst --to 5e6 -o boot.bst', 'the first steps'],
    ['backstub trim run.bst --damaged -o rest.bst', 'what a damaged file still holds'],
  ]);
  command.action((file: string, options: Options) =>
    finish(async () => {
      const { output, from = 'start', to = 'end' } = options;
      const recording = readRecordingFile(file, options);
      commandFiles.claimStandardOutput('it is standard output, where the result is said');
      commandFiles.checkOutput(output, 'recording');
      const machine = await openReplay(recording, { serial: { kind: 'null' }, ...options }, path =>
        commandFiles.create(path, 'recording', 'replacing'),
      );
      const { session } = machine;
      try {
        const { signal } = await withSignals(
          () => session.interrupt(),
          async () => {
            const begin = startIcount(recording.header);
            await session.verify(from === 'start' ? begin : from);
            await session.saveHistory(output, { from, to });
          },
        );
        if (signal) return signalExitCode(signal);
        printLine(`${output}: ${describeRange(readRecordingFile(output))}`);
        return 0;
      } finally {
        machine.close();
      }
    }),
  );
}
