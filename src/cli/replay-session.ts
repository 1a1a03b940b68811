import { replaySession } from '../api/session.js';
import type { Recording } from '../replay/recording.js';
import { chooseSerial } from './console.js';
import { historyOf, type Opened, open } from './machine-session.js';
import type { EngineOptions, HistoryOptions, ReplayConsoleOptions } from './options.js';

export function openReplay(
  recording: Recording,
  options: HistoryOptions & ReplayConsoleOptions & EngineOptions,
): Promise<Opened> {
  const { virtioConsole } = options;
  return open({ serial: chooseSerial(options.serial, virtioConsole), virtioConsole }, host =>
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
