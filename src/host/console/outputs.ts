import type { ConsoleBackend } from '../../machine/ports.js';
import { createAppendFile } from '../files.js';

/** No console: output is dropped, nothing is ever typed. */
export const nullConsole: ConsoleBackend = { write() {}, onInput() {}, close() {} };

/**
 * Output goes to a file, nothing is ever typed. Throws InputError when the file cannot be created; when it cannot
 * grow later, `tell` gets one line and further output is dropped.
 */
export function openFileConsole(path: string, tell: (line: string) => void): ConsoleBackend {
  const file = createAppendFile(path, 'console output');
  return {
    write(bytes) {
      try {
        file.append(bytes);
      } catch (error) {
        tell((error as Error).message);
      }
    },
    onInput() {},
    close: () => file.close(),
  };
}
