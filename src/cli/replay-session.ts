import { replaySession } from '../assembly/session.js';
import type { ByteSink, Recording } from '../replay/recording.js';
import { historyOf, type Opened, open } from './machine-session.js';
import { chooseSerial } from './open-console.js';
import type {
  EngineOptions,
  HistoryOptions,
  ReplayConsoleOptions,
  SaveOptions,
  SymbolOptions,
} from './options.js';

export function openReplay(
  recording: Recording,
  options: HistoryOptions & ReplayConsoleOptions & EngineOptions & SymbolOptions & SaveOptions,
  createFile?: (path: string) => ByteSink,
): Promise<Opened> {
  const { virtioConsole, saveDir } = options;
  const serial = chooseSerial(options.serial, virtioConsole);
  return open({ serial, virtioConsole, saveDir, ...(createFile && { createFile }) }, host =>
    replaySession(
      recording,
      {
        clock: 'virtual',
        ...historyOf(options),
      },
      host,
    ),
  );
}
