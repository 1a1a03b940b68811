/** What a user can give otherwise. How it is given depends on who asks: an option, a field, a command. */
export interface Advice {
  /** A setting of the machine, of `SETTINGS` in ports/settings.ts, or of the session: `symbols`, `saveDir`, `gdb`. */
  readonly setting: string;
  /** What would do; or in words, such as `a multiple of 4096 bytes`. */
  readonly value: number | string;
}

/**
 * Bad input from outside: a file, an option, a recording. The message is the one line the user sees:
 * what is wrong, where, and what to do. Never thrown for a fault of the guest.
 */
export class InputError extends Error {
  override readonly name = 'InputError';

  constructor(
    message: string,
    /** What to do, where that is to change a setting; whoever shows the message says it in the user's words. */
    readonly advice?: Advice,
  ) {
    super(message);
  }
}

/** Puts an advice into the words of those who read it: `give --memory more`, `set ramBytes to more`. */
export type SayAdvice = (advice: Advice) => string;

/** For readers of whom nothing is known. */
export const sayPlainly: SayAdvice = ({ setting, value }) => `${setting} needs ${value}`;

/** The whole line. */
export const fullMessage = ({ message, advice }: InputError, say: SayAdvice): string =>
  advice === undefined ? message : `${message}: ${say(advice)}`;

/** Does something whose errors are shown to these readers. */
export function inWordsOf<T>(say: SayAdvice, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof InputError ? new InputError(fullMessage(error, say)) : error;
  }
}
