#!/usr/bin/env node
import { CommanderError } from 'commander';
import debug from 'debug';
import { VERSION } from '../assembly/version.js';
import { surviveHangUp } from '../host/console/hang-up.js';
import { systemErrorText } from '../host/system-error.js';
import { DivergenceError } from '../replay/divergence.js';
import { fullMessage, InputError } from '../state/input-error.js';
import { ReplayMismatch, TargetError } from '../timeline/debug-target.js';
import { sayOption } from './machine-options.js';
import { CommandFailure, EXIT_DIVERGENCE, EXIT_USAGE, printFailure, tell, tellError } from './messages.js';
import { buildProgram } from './program.js';
import { qemuOption } from './qemu/qemu-options.js';

const trace = debug('backstub:cli');

/** Time for output on its way, should something else keep the process alive. */
const LONGEST_DRAIN_MS = 2000;

/** Prints what went wrong, the last line as `backstub: error: ...`, and returns the exit code. */
function report(error: unknown): number {
  trace('%O', error);
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') tellError('no command is given');
    else tellError(`${error.message.replace(/^error: /, '')} ${hintOf(error)}`);
    return EXIT_USAGE;
  }
  if (error instanceof DivergenceError) {
    const [first, ...fields] = error.message.split('\n');
    for (const line of fields) tell(line.trim());
    tellError(first);
    return EXIT_DIVERGENCE;
  }
  if (error instanceof ReplayMismatch) {
    tellError(error.message);
    return EXIT_DIVERGENCE;
  }
  if (error instanceof CommandFailure) {
    tellError(error.message);
    return error.exitCode;
  }
  if (error instanceof InputError || error instanceof TargetError) {
    tellError(error instanceof InputError ? fullMessage(error, sayOption) : error.message);
    return EXIT_USAGE;
  }
  if (isSystemError(error)) {
    tellError(
      `${error.syscall}${error.path === undefined ? '' : ` ${error.path}`}: ${systemErrorText(error)}`,
    );
    return EXIT_USAGE;
  }
  const message = error instanceof Error ? error.message : String(error);
  tellError(`internal error, please report it: ${message} (DEBUG=backstub:cli shows where)`);
  return EXIT_USAGE;
}

/** Of an option that is QEMU's, what it is called here. */
function hintOf({ code, message }: CommanderError): string {
  const word = code === 'commander.unknownOption' ? /'(-[^']*)'/.exec(message)?.[1] : undefined;
  const theirs = word === undefined ? undefined : qemuOption(word);
  if (theirs === undefined || theirs.ours === word) return '(see backstub --help)';
  const here = theirs.ours === undefined ? 'has no counterpart' : `is ${theirs.ours}`;
  return `(QEMU's ${here} here; backstub qemu takes QEMU's whole command line)`;
}

/** What the operating system refused: no fault of the program's. */
const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'errno' in error && 'syscall' in error;

/** Lets output drain, then ends. */
function exit(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), LONGEST_DRAIN_MS).unref();
}

surviveHangUp();
process.on('exit', code => {
  const failure = printFailure();
  if (failure === undefined || code !== 0) return;
  tellError(`cannot write to standard output: ${systemErrorText(failure)}`);
  process.exitCode = EXIT_USAGE;
});
process.on('uncaughtException', error => process.exit(report(error)));
process.on('unhandledRejection', error => process.exit(report(error)));

const program = buildProgram(VERSION, async body => exit(await body()));
program.parseAsync().catch((error: unknown) => exit(report(error)));
