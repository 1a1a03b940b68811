import type { ReadStream } from 'node:tty';
import type { ConsoleBackend } from '../../ports/host.js';
import { systemErrorText } from '../system-error.js';
import { ESCAPE_HELP, EscapeFilter } from './escape-filter.js';
import { hangUp } from './hang-up.js';

/** What a console asks of the program around it. */
export interface ConsoleEvents {
  /** The user asked to quit with Ctrl-A x. */
  onQuit(): void;
  /** One line for the user. */
  tell(line: string): void;
}

/**
 * The process's own standard input and output. A terminal is put into raw mode, so that Ctrl-C and the like reach
 * the guest, and is always restored. Output to a closed pipe is dropped; a terminal that is closed ends the program.
 */
export function openStdio(events: ConsoleEvents): ConsoleBackend {
  const { stdin, stdout } = process;
  let outputOpen = true;
  let restore = () => {};
  const outputFailed = (error: NodeJS.ErrnoException) => {
    if (!outputOpen) return;
    outputOpen = false;
    if (error.code === 'EIO' && stdout.isTTY) hangUp();
    else if (error.code !== 'EPIPE') events.tell(`console output is lost: ${systemErrorText(error)}`);
  };
  stdout.on('error', outputFailed);

  return {
    write(bytes) {
      // A pipe may take the bytes later, when the caller has reused its buffer: hence the copy.
      if (outputOpen) stdout.write(Buffer.from(bytes));
    },
    onInput(listener) {
      const interactive = stdin.isTTY === true;
      const filter = interactive ? new EscapeFilter() : undefined;
      const receive = (bytes: Buffer) => {
        const kept = filter
          ? filter.feed(bytes, action => {
              if (action === 'quit') events.onQuit();
              else for (const line of ESCAPE_HELP) events.tell(line);
            })
          : new Uint8Array(bytes);
        if (kept.length > 0) listener(kept);
      };
      const ignore = () => {};
      // A terminal ends when it is closed; whoever is not of its session is told no other way.
      const ended = interactive ? hangUp : ignore;
      stdin.on('error', ended);
      stdin.on('end', ended);
      stdin.on('data', receive);
      const leaveRawMode = interactive ? enterRawMode(stdin) : ignore;
      if (interactive) events.tell('all keys go to the guest: Ctrl-A x quits, Ctrl-A h helps');
      restore = () => {
        leaveRawMode();
        stdin.off('data', receive);
        stdin.off('end', ended);
        stdin.pause();
        restore = ignore;
      };
    },
    close() {
      restore();
    },
  };
}

function enterRawMode(terminal: ReadStream): () => void {
  const leave = () => {
    terminal.setRawMode(false);
    process.off('exit', leave);
  };
  terminal.setRawMode(true);
  process.on('exit', leave);
  return leave;
}
