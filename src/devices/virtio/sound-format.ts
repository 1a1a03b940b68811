import type { SoundFormat } from '../../ports/device.js';

/** Sample rates by their number (virtio 1.2, section 5.14.6.6). */
const RATES: Readonly<Record<number, number>> = {
  1: 8000,
  2: 11_025,
  3: 16_000,
  4: 22_050,
  5: 32_000,
  6: 44_100,
  7: 48_000,
  10: 96_000,
};
/** Signed 16 bits, little-endian. */
const FORMAT_S16 = 5;
const MOST_CHANNELS = 2;
const INFO_BYTES = 32;
const SAMPLE_BYTES = 2;

/** What a stream can do: `struct virtio_snd_pcm_info`. */
export function streamInfo(direction: number): Uint8Array {
  const info = new DataView(new ArrayBuffer(INFO_BYTES));
  info.setUint32(8, 1 << FORMAT_S16, true);
  info.setUint32(
    16,
    Object.keys(RATES).reduce((bits, number) => bits | (1 << Number(number)), 0),
    true,
  );
  info.setUint8(24, direction);
  info.setUint8(25, 1);
  info.setUint8(26, MOST_CHANNELS);
  return new Uint8Array(info.buffer);
}

/** The format that three numbers of a driver mean, if the device has it. */
export function soundFormat(channels: number, format: number, rate: number): SoundFormat | undefined {
  const hertz = RATES[rate];
  if (hertz === undefined || format !== FORMAT_S16 || channels < 1 || channels > MOST_CHANNELS)
    return undefined;
  return { rate: hertz, channels };
}

/** How long samples last, in whole nanoseconds. */
export const durationNs = (bytes: number, { rate, channels }: SoundFormat): number =>
  Math.ceil((bytes * 1e9) / (rate * channels * SAMPLE_BYTES));
