import type { InterpreterModule } from './interpreter-module.js';

/**
 * Interpreters that were generated before, by what they are for. Here are none: scripts/bundle.mjs puts a file in the
 * place of this one that reads those of the usual machines, which the build has generated.
 */
export const preparedInterpreter = (_key: string): InterpreterModule | undefined => undefined;
