import { lstatSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { type Advice, InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import type { HostFiles } from './host-files.js';
import type { Durability, OutputFile } from './output-file.js';

const SUFFIX = '.bst';
const CONTROLS = /\p{Cc}/u;

/**
 * The folder that a client - a debugger, a page - may write recordings to: the only way to a file of the host for
 * anyone but the user who gave the command. Nothing outside of it, nothing hidden, nothing through a link; a file
 * that is there is replaced only when it is a recording.
 */
export class SaveFolder {
  readonly #root: string;

  /** Throws InputError when there is no such folder. */
  constructor(
    folder: string,
    readonly files: HostFiles,
    /** How a recording starts. */
    readonly signature: Uint8Array,
  ) {
    try {
      this.#root = realpathSync(folder);
      if (!lstatSync(this.#root).isDirectory()) throw new InputError('it is no folder');
    } catch (error) {
      const why = error instanceof InputError ? error.message : systemErrorText(error);
      throw new InputError(`cannot save to ${folder}: ${why}`);
    }
  }

  /** A new recording of that name, which may have folders before it. Throws InputError. */
  create(name: string, durability: Durability): OutputFile {
    try {
      const path = this.#placeOf(name);
      const there = this.files.peek(path, 'recording', this.signature.length);
      if (there !== undefined && Buffer.compare(there, this.signature) !== 0)
        throw new Refusal('the file that is there is no recording');
      return this.files.create(path, 'recording', durability);
    } catch (error) {
      if (error instanceof InputError) throw error;
      const why = error instanceof Refusal ? error.message : systemErrorText(error);
      const advice = error instanceof Refusal ? error.advice : undefined;
      throw new InputError(`cannot save to ${shown(name)}: ${why}`, advice);
    }
  }

  #placeOf(name: string): string {
    if (CONTROLS.test(name)) throw new Refusal('the name holds control characters');
    const inside = isAbsolute(name) ? relative(this.#root, name) : name;
    const parts = inside.split(sep).filter(part => part !== '' && part !== '.');
    if (isAbsolute(inside) || parts.includes('..')) {
      throw new Refusal(`it is outside ${this.#root}`, { setting: 'saveDir', value: 'another folder' });
    }
    if (!name.endsWith(SUFFIX)) throw new Refusal(`the name must end in ${SUFFIX}`);
    if (parts.some(part => part.startsWith('.'))) throw new Refusal('no part of it may begin with a dot');
    let folder = this.#root;
    for (const part of parts.slice(0, -1)) {
      folder = join(folder, part);
      const stats = lstatSync(folder, { throwIfNoEntry: false });
      if (stats === undefined) throw new Refusal(`there is no folder ${folder}`);
      if (!stats.isDirectory()) throw new Refusal(`${folder} is a link or no folder`);
    }
    return join(folder, parts.at(-1) ?? '');
  }
}

/** A reason. */
class Refusal extends Error {
  constructor(
    message: string,
    readonly advice?: Advice,
  ) {
    super(message);
  }
}

const shown = (name: string) => (CONTROLS.test(name) ? JSON.stringify(name) : name);
