/** What the user sees on standard error: one line each, all with the same prefix. */
export const EXIT_USAGE = 2;
export const EXIT_DIVERGENCE = 3;
export const EXIT_TIMEOUT = 124;

/** A command's own way to end: the message is the last line on standard error. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

export const tell = (line: string): void => {
  process.stderr.write(`backstub: ${line}\n`);
};

export const tellError = (message: string): void => tell(`error: ${oneLine(message)}`);

const oneLine = (message: string): string => message.trim().replace(/\s*\n\s*/g, ' ');
