import { basename } from 'node:path';
import { isElf } from '../images/elf.js';
import type { ByteSource } from '../replay/byte-source.js';
import { MAGIC } from '../replay/format.js';
import type { Recording } from '../replay/recording.js';
import { readRecording } from '../replay/recording-reader.js';
import { InputError } from '../state/input-error.js';
import { commandFiles } from './command-files.js';
import { flagOf } from './machine-options.js';
import type { DamagedOptions } from './options.js';

/** A file given to the guest, with the name it has in messages and recordings. */
export interface GuestFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What `serve` was given, told apart by content. */
export type Served =
  | { readonly kind: 'firmware'; readonly firmware: GuestFile }
  | { readonly kind: 'recording'; readonly recording: Recording };

/** Enough of the signature to know a recording that was cut or garbled in transfer. */
const SIGNATURE_BYTES = 4;

const looksLikeRecording = (bytes: Uint8Array): boolean =>
  bytes.length >= SIGNATURE_BYTES && MAGIC.subarray(0, SIGNATURE_BYTES).every((byte, i) => bytes[i] === byte);

const beginning = (source: ByteSource): Uint8Array => source.read(0, Math.min(source.size, SIGNATURE_BYTES));

export function readServed(path: string): Served {
  const source = commandFiles.openSource(path, 'file');
  if (looksLikeRecording(beginning(source))) {
    return { kind: 'recording', recording: readRecording(source, { name: path }) };
  }
  source.close();
  return { kind: 'firmware', firmware: { name: basename(path), bytes: commandFiles.read(path, 'file') } };
}

export function readGuestFile(path: string, what: string): GuestFile {
  const bytes = commandFiles.read(path, what);
  if (looksLikeRecording(bytes)) {
    throw new InputError(`${path} is a recording, not ${what}: use backstub replay or backstub serve`);
  }
  return { name: basename(path), bytes };
}

/** A file that names addresses. */
export function readSymbolFile(path: string): GuestFile {
  const file = readGuestFile(path, 'symbols');
  if (!isElf(file.bytes))
    throw new InputError(`${path} is no ELF file: --symbols needs one, with a symbol table`);
  return file;
}

/** `options` of a command that may use what is before the damage of a damaged one. */
export function readRecordingFile(path: string, options?: DamagedOptions): Recording {
  const source = commandFiles.openSource(path, 'recording');
  if (isElf(beginning(source))) {
    throw new InputError(`${path} is an ELF file, not a recording: make one with backstub record`);
  }
  const tolerance = options && { tolerant: options.damaged === true, hint: ': --damaged uses it' };
  return readRecording(source, { name: path, ...tolerance });
}

/** Throws InputError for options that mean nothing when the machine comes out of a recording. */
export function refuseOptions(path: string, options: object, allowed: readonly string[]): void {
  const refused = Object.keys(options).filter(name => !allowed.includes(name));
  if (refused.length === 0) return;
  const names = refused.map(flagOf).join(', ');
  throw new InputError(`${path} is a recording, which brings its own machine: ${names} cannot change it`);
}
