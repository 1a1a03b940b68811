import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** As when the terminal says so itself, which it does only to the processes that belong to it. */
export const hangUp = (): void => {
  process.kill(process.pid, 'SIGHUP');
};

/**
 * When Node ends, it gives terminals their settings back, and aborts (Node 20) when one is gone. So the standard
 * streams of a terminal that is gone lead to /dev/null before that.
 */
export function surviveHangUp(): void {
  process.on('exit', () => {
    for (const descriptor of [0, 1, 2]) if (terminalIsGone(descriptor)) replaceByNull(descriptor);
  });
}

/** /dev/null looks the same, and stays what it is. */
function terminalIsGone(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice() && !isatty(descriptor);
  } catch {
    return false;
  }
}

function replaceByNull(descriptor: number): void {
  try {
    closeSync(descriptor);
    // The lowest number that is free.
    openSync('/dev/null', 'r+');
  } catch {
    // There is nothing else to do at the end.
  }
}
