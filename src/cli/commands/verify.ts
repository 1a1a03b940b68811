import type { Command } from 'commander';
import type { Session } from '../../assembly/session.js';
import { describeEnd } from '../../replay/end-kinds.js';
import type { Recording } from '../../replay/recording.js';
import { InputError } from '../../state/input-error.js';
import type { Verified } from '../../timeline/verification.js';
import { explainDivergence } from '../explain-divergence.js';
import { readRecordingFile } from '../inputs.js';
import { printLine, tell } from '../messages.js';
import { addOptions } from '../option-spec.js';
import {
  DAMAGED_OPTIONS,
  type DamagedOptions,
  ENGINE_OPTIONS,
  type EngineOptions,
  SYMBOL_OPTIONS,
  type SymbolOptions,
} from '../options.js';
import { addExamples, type Finish } from '../program-parts.js';
import { describeRange } from '../recording-text.js';
import { openReplay } from '../replay-session.js';
import { signalExitCode, withSignals } from '../signals.js';

type Options = EngineOptions & SymbolOptions & DamagedOptions & { readonly bisect?: true };

export function addVerify(program: Command, finish: Finish): void {
  const command = program
    .command('verify')
    .summary('replay a recording and check every digest')
    .description(
      "Replays a recording and compares every checkpoint. Exits with 0 when all agree, whatever the guest's exit code, and with 3 when the replay diverges.",
    )
    .argument('<recording>', 'file written by record or serve --record');
  addOptions(command, ENGINE_OPTIONS);
  addOptions(command, DAMAGED_OPTIONS);
  command.option(
    '--bisect',
    'after a divergence: replay once more, compiled and interpreted, to find the step',
  );
  addOptions(command, SYMBOL_OPTIONS);
  addExamples(command, [
    ['backstub verify run.bst', 'before filing it as a bug report'],
    ['backstub verify run.bst --bisect', 'and where it diverges, the step'],
  ]);
  command.action((file: string, options: Options) =>
    finish(async () => {
      if (options.symbols !== undefined && !options.bisect)
        throw new InputError('--symbols names the step that --bisect finds: give both');
      const recording = readRecordingFile(file, options);
      const machine = await openReplay(recording, { serial: { kind: 'null' }, ...options });
      try {
        const { result, signal } = await withSignals(
          () => machine.session.interrupt(),
          () => verifyAndExplain(machine.session, recording, options),
        );
        if (signal) return signalExitCode(signal);
        const { checkpoints, end, notCompared } = result;
        printLine(
          `${file}: ${checkpoints} checkpoints agree over ${describeRange(recording)}; ${describeEnd(end)}`,
        );
        if (notCompared.length > 0) {
          tell(
            `not compared, because this backstub keeps their state in another form: ${notCompared.join(', ')}`,
          );
        }
        if (end.kind === 'cut') tell(`${file} ends early: ${end.damage ?? 'its recorder was killed'}`);
        return 0;
      } finally {
        machine.close();
      }
    }),
  );
}

async function verifyAndExplain(session: Session, recording: Recording, options: Options): Promise<Verified> {
  try {
    return await session.verify();
  } catch (error) {
    if (options.bisect) await explainDivergence(error, session, recording, options.jit ?? true);
    throw error;
  }
}
