import type { SoundFormat } from '../../ports/device.js';
import { InputError } from '../../state/input-error.js';

const HEADER_BYTES = 44;
const PCM = 1;
/** What a header can say. */
const MOST_DATA_BYTES = 0xffff_ffff - HEADER_BYTES;

/** The header of a file with so many bytes of 16-bit samples. */
export function wavHeader({ rate, channels }: SoundFormat, dataBytes: number): Uint8Array {
  const bytes = Math.min(dataBytes, MOST_DATA_BYTES);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0);
  header.writeUInt32LE(bytes + HEADER_BYTES - 8, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(PCM, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes, 40);
  return header;
}

export interface WavSound {
  readonly format: SoundFormat;
  readonly samples: Uint8Array;
}

/** Throws InputError for what is not a WAV file of 16-bit samples. `name` is for messages. */
export function parseWav(name: string, file: Uint8Array): WavSound {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (
    bytes.length < 12 ||
    bytes.toString('latin1', 0, 4) !== 'RIFF' ||
    bytes.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw new InputError(`${name} is not a WAV file`);
  }
  let format: SoundFormat | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const kind = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === 'fmt ' && body.length >= 16) {
      if (body.readUInt16LE(0) !== PCM || body.readUInt16LE(14) !== 16) {
        throw new InputError(`${name} does not hold 16-bit PCM samples`);
      }
      format = { channels: body.readUInt16LE(2), rate: body.readUInt32LE(4) };
    } else if (kind === 'data' && format !== undefined) {
      return { format, samples: new Uint8Array(body) };
    }
    at += 8 + length + (length & 1);
  }
  throw new InputError(`${name} is a WAV file without samples`);
}
