/** What the user sees on standard error: one line each, all with the same prefix. */
import { printable, printableLines } from '../state/printable.js';

export const EXIT_USAGE = 2;
export const EXIT_DIVERGENCE = 3;
export const EXIT_TIMEOUT = 124;
export const EXIT_TRAP_LOOP = 125;

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

/** What takes a line off a terminal that is there for the moment only. */
const WIPE = '\r\x1b[2K';
let passing = false;

export const tell = (line: string): void => {
  if (passing) retell(undefined);
  standard('stderr').write(`backstub: ${printable(line)}\n`);
};

/** Whether a line on standard error can be replaced by the next. */
export const isRewritable = (): boolean => standard('stderr').isTTY === true;

/** Shows a line until the next one, which takes its place; undefined: none. */
export function retell(line: string | undefined): void {
  if (line === undefined && !passing) return;
  standard('stderr').write(line === undefined ? WIPE : `${WIPE}backstub: ${printable(line)}`);
  passing = line !== undefined;
}

/** What a command was asked for, on standard output: lines of our own making. */
export const print = (text: string): void => {
  standard('stdout').write(printableLines(text));
};

/** One line, whatever is in it. */
export const printLine = (line: string): void => print(`${printable(line)}\n`);

const guarded = new Set<'stdout' | 'stderr'>();

let outputFailure: NodeJS.ErrnoException | undefined;

/**
 * Why standard output takes no more, if it does not; a reader that went away (`| head`) is none, and ends the output.
 */
export const printFailure = (): Error | undefined =>
  outputFailure?.code === 'EPIPE' ? undefined : outputFailure;

/** Lets output on its way go; whether anybody still reads it. */
export async function isRead(): Promise<boolean> {
  await new Promise(resolve => setImmediate(resolve));
  return outputFailure === undefined;
}

/** Node makes these streams when they are first asked for. */
function standard(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  const stream = process[name];
  if (!guarded.has(name)) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (name === 'stdout') outputFailure ??= error;
    });
  }
  guarded.add(name);
  return stream;
}

export const tellError = (message: string): void => tell(`error: ${oneLine(message)}`);

const oneLine = (message: string): string => message.trim().replace(/\s*\n\s*/g, ' ');
