import type { ConsoleBackend } from '../../ports/host.js';
import type { HostFiles } from '../files/host-files.js';

/** No console: output is dropped, nothing is ever typed. */
export const nullConsole: ConsoleBackend = { write() {}, onInput() {}, close() {} };

/**
 * Output goes to a file, nothing is ever typed. Throws InputError when the file cannot be created; when it cannot
 * grow later, `tell` gets one line and further output is dropped.
 */
export function openFileConsole(
  path: string,
  files: HostFiles,
  tell: (line: string) => void,
): ConsoleBackend {
  const file = files.create(path, 'console output');
  return {
    write(bytes) {
      try {
        file.publish();
        file.append(bytes);
      } catch (error) {
        tell((error as Error).message);
      }
    },
    onInput() {},
    close() {
      try {
        file.publish();
      } catch (error) {
        tell((error as Error).message);
      }
      file.close();
    },
  };
}
