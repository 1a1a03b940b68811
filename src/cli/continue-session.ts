/** Live machines that go on from a moment of a recording. */
import { continuedSession, momentOf, type Session } from '../assembly/session.js';
import type { MachineConfig } from '../ports/config.js';
import type { Recording } from '../replay/recording.js';
import { InputError } from '../state/input-error.js';
import type { MomentName } from '../timeline/debug-target.js';
import type { MachineOptions } from './machine-options.js';
import { clockOf, historyOf, NO_NETWORK, type Opened, open } from './machine-session.js';
import { tell } from './messages.js';
import { chooseSerial } from './open-console.js';
import type { HistoryOptions, SaveOptions, SymbolOptions } from './options.js';
import { tellProgress } from './progress.js';
import { describeStart } from './recording-text.js';
import { folderOf } from './semihosting-options.js';
import type { Coming } from './serve-gdb.js';

/** Options of a machine that still mean something when it comes out of a recording: what it is connected to. */
export const FOR_CONTINUING = [
  'serial',
  'virtioConsole',
  'net',
  'sound',
  'semihosting',
  'clock',
  'jit',
  'trapLoopCheck',
  'kernel',
] as const satisfies readonly (keyof MachineOptions)[];

export async function continueMachine(
  path: string,
  recording: Recording,
  at: MomentName,
  options: MachineOptions & HistoryOptions & SaveOptions & SymbolOptions,
  /** Told when all is checked and the replay to the moment begins. */
  underway: (replay: Session) => void = () => {},
): Promise<Opened> {
  const { virtioConsole, net = NO_NETWORK, sound, saveDir } = options;
  checkConnections(path, recording.header.config, options);
  const serial = chooseSerial(options.serial, virtioConsole);
  const start = await momentOf(recording, at, { jit: options.jit }, (session, to) => {
    underway(session);
    return tellProgress(() => session.machine.icount, to);
  });
  const opened = await open(
    { serial, virtioConsole, net, sound, semihosting: folderOf(options), saveDir },
    host =>
      continuedSession(recording, start, { clock: clockOf(options, serial), ...historyOf(options) }, host),
  );
  tell(`going on from ${describeStart({ start }) ?? 'the start'} of ${path}`);
  return opened;
}

/** The same for who does not wait for it; back when what can be checked before the replay was found good. */
export async function comingMachine(...args: Parameters<typeof continueMachine>): Promise<Coming> {
  let replay: Session | undefined;
  const begun = new Promise<void>(resolve => {
    args[4] = session => {
      replay = session;
      resolve();
    };
  });
  const opening = continueMachine(...args);
  await Promise.race([begun, opening]);
  return { opening, interrupt: () => replay?.interrupt() };
}

/** What is named must be there to connect it to. */
function checkConnections(path: string, config: MachineConfig, options: MachineOptions): void {
  const absent: readonly (readonly [boolean, string, string])[] = [
    [options.net !== undefined && options.net.kind !== 'none' && !config.network, '--net', 'network device'],
    [options.virtioConsole !== undefined && !config.virtioConsole, '--virtio-console', 'virtio console'],
    [options.sound !== undefined && config.sound === undefined, '--sound', 'sound device'],
    [
      options.semihosting !== undefined && config.semihosting !== 'files',
      '--semihosting',
      'calls by semihosting that need files',
    ],
    [
      options.sound?.input !== undefined && config.sound === 'playback',
      '--sound ...,in=',
      'sound device that captures',
    ],
  ];
  const wrong = absent.find(([asked]) => asked);
  if (wrong === undefined) return;
  throw new InputError(`${wrong[1]} is given, but the machine in ${path} has no ${wrong[2]}`);
}
