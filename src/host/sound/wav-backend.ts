import type { SoundFormat } from '../../ports/device.js';
import type { SoundBackend } from '../../ports/host.js';
import { InputError } from '../../state/input-error.js';
import type { HostFiles } from '../files/host-files.js';
import type { OutputFile } from '../files/output-file.js';
import { parseWav, type WavSound, wavHeader } from './wav-format.js';

/** A guest that changes its format over and over gets no more files. */
const MOST_FILES = 16;

const RIFF = Uint8Array.of(0x52, 0x49, 0x46, 0x46);

/**
 * One WAV file that grows; its header is right after each write. Where it cannot be written over, it says `endless`.
 */
class WavWriter {
  #bytes = 0;

  constructor(
    readonly file: OutputFile,
    readonly format: SoundFormat,
  ) {
    file.append(wavHeader(format, file.regular ? 0 : Number.POSITIVE_INFINITY));
    file.publish();
  }

  append(samples: Uint8Array): void {
    this.file.append(samples);
    this.#bytes += samples.length;
    if (this.file.regular) this.file.writeAt(wavHeader(this.format, this.#bytes), 0);
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
  /** What the guest plays goes there; a change of format opens PATH-2.wav and so on, up to 16 of them. */
  readonly output: string | undefined;
  /** What the guest captures. */
  readonly input: string | undefined;
}

/** Sound in WAV files. Throws InputError when they cannot be used; later errors make `tell` say one line. */
export function openWavSound(
  { input, output }: WavFiles,
  files: HostFiles,
  tell: (line: string) => void,
): SoundBackend {
  const reader =
    input === undefined ? undefined : new WavReader(input, parseWav(input, files.read(input, 'sound')), tell);
  const player = output === undefined ? undefined : new WavPlayer(output, files);
  let failed = false;
  const attempt = (work: () => void) => {
    if (failed) return;
    try {
      work();
    } catch (error) {
      failed = true;
      if (!(error instanceof InputError)) throw error;
      tell(error.message);
    }
  };
  return {
    play: (samples, format) => attempt(() => player?.play(samples, format)),
    ...(reader === undefined ? {} : { capture: (bytes, format) => reader.read(bytes, format) }),
    close() {
      if (failed) player?.abandon();
      else attempt(() => player?.close());
      failed = true;
    },
  };
}

/** The files that a guest plays into: one for each change of format. */
class WavPlayer {
  #file: OutputFile;
  #writer: WavWriter | undefined;
  #opened = 1;

  constructor(
    readonly path: string,
    readonly files: HostFiles,
  ) {
    this.#file = files.create(path, 'sound');
  }

  play(samples: Uint8Array, format: SoundFormat): void {
    const now = this.#writer?.format;
    if (now?.rate !== format.rate || now.channels !== format.channels) this.#begin(format);
    this.#writer?.append(samples);
  }

  close(): void {
    this.#file.publish();
    this.#file.close();
  }

  /** Where it failed: what was written before stays. */
  abandon(): void {
    this.#file.abandon();
  }

  #begin(format: SoundFormat): void {
    if (this.#writer !== undefined) this.#file = this.#next();
    this.#writer = new WavWriter(this.#file, format);
  }

  /** The guest, not the user, asks for it: a file that is there already must be sound, too. */
  #next(): OutputFile {
    this.#file.close();
    if (this.#opened === MOST_FILES)
      throw new InputError(`no more sound is written: the guest has changed its format ${MOST_FILES} times`);
    const path = this.path.replace(/(\.[^./]*)?$/, `-${++this.#opened}$1`);
    const there = this.files.peek(path, 'sound', RIFF.length);
    if (there !== undefined && !there.every((byte, i) => byte === RIFF[i]))
      throw new InputError(`cannot create sound ${path}: the file that is there is no sound`);
    return this.files.create(path, 'sound');
  }
}
