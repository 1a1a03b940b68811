import { closeSync, openSync, writeSync } from 'node:fs';
import type { SoundBackend, SoundFormat } from '../../machine/ports.js';
import { InputError } from '../../state/input-error.js';
import { readInputFile } from '../files.js';
import { systemErrorText } from '../system-error.js';
import { parseWav, type WavSound, wavHeader } from './wav-format.js';

/** One WAV file that grows; its header is right after each write. */
class WavWriter {
  readonly #file: number;
  #bytes = 0;

  constructor(
    path: string,
    readonly format: SoundFormat,
  ) {
    this.#file = openSync(path, 'w');
  }

  append(samples: Uint8Array): void {
    const header = wavHeader(this.format, this.#bytes + samples.length);
    writeSync(this.#file, samples, 0, samples.length, header.length + this.#bytes);
    this.#bytes += samples.length;
    writeSync(this.#file, header, 0, header.length, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Where the samples of a file stand, as a guest captures them. */
class WavReader {
  #at = 0;

  constructor(
    readonly name: string,
    readonly sound: WavSound,
    readonly tell: (line: string) => void,
  ) {}

  /** The next samples of the file; silence behind its end, and all through where the guest's format is another. */
  read(bytes: number, { rate, channels }: SoundFormat): Uint8Array {
    const { format, samples } = this.sound;
    const part = new Uint8Array(bytes);
    if (format.rate !== rate || format.channels !== channels) {
      if (this.#at === 0) {
        this.tell(
          `${this.name} has ${format.channels} channels at ${format.rate} Hz, the guest captures ${channels} at ${rate} Hz: it hears silence`,
        );
        this.#at = samples.length;
      }
      return part;
    }
    part.set(samples.subarray(this.#at, this.#at + bytes));
    this.#at = Math.min(this.#at + bytes, samples.length);
    return part;
  }
}

export interface WavFiles {
  /** What the guest plays goes there; a change of format opens PATH-2.wav and so on. */
  readonly output: string | undefined;
  /** What the guest captures. */
  readonly input: string | undefined;
}

/** Sound in WAV files. Throws InputError when they cannot be used; later errors make `tell` say one line. */
export function openWavSound(files: WavFiles, tell: (line: string) => void): SoundBackend {
  const { input, output } = files;
  const reader =
    input === undefined
      ? undefined
      : new WavReader(input, parseWav(input, readInputFile(input, 'sound')), tell);
  let writer: WavWriter | undefined;
  let opened = 0;
  let failed = output === undefined;
  if (output !== undefined) {
    try {
      closeSync(openSync(output, 'w'));
    } catch (error) {
      throw new InputError(`cannot write sound to ${output}: ${systemErrorText(error)}`);
    }
  }
  return {
    play(samples, format) {
      if (failed || output === undefined) return;
      try {
        if (writer?.format.rate !== format.rate || writer.format.channels !== format.channels) {
          writer?.close();
          opened++;
          writer = new WavWriter(opened === 1 ? output : numbered(output, opened), format);
        }
        writer.append(samples);
      } catch (error) {
        failed = true;
        tell(`cannot write sound to ${output}: ${systemErrorText(error)}`);
      }
    },
    ...(reader === undefined ? {} : { capture: (bytes, format) => reader.read(bytes, format) }),
    close() {
      failed = true;
      writer?.close();
      writer = undefined;
    },
  };
}

const numbered = (path: string, number: number) => path.replace(/(\.[^./]*)?$/, `-${number}$1`);
