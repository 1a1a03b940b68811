/** TCP segments (RFC 793, section 3.1), and arithmetic of sequence numbers. */
import { type Datagram, PROTOCOL, transportChecksum, viewOf } from './ipv4.js';

export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

const HEADER_BYTES = 20;
const OPTION = { end: 0, nothing: 1, segmentSize: 2, windowScale: 3 } as const;
const LARGEST_SCALE = 14;

export interface TcpSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  /** As it stands in the segment: not scaled. */
  readonly window: number;
  /** Options of a SYN; undefined when absent. */
  readonly segmentSize?: number | undefined;
  readonly windowScale?: number | undefined;
  readonly payload: Uint8Array;
}

/** a - b, for numbers less than 2^31 apart. */
export const distance = (a: number, b: number) => (a - b) | 0;

export const advance = (sequence: number, by: number) => (sequence + by) >>> 0;

/** Undefined for what is damaged. */
export function parseTcp(datagram: Datagram): TcpSegment | undefined {
  const bytes = datagram.payload;
  if (bytes.length < HEADER_BYTES || transportChecksum(datagram) !== 0) return undefined;
  const view = viewOf(bytes);
  const headerBytes = (bytes[12] >> 4) * 4;
  if (headerBytes < HEADER_BYTES || headerBytes > bytes.length) return undefined;
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    sequence: view.getUint32(4),
    acknowledgment: view.getUint32(8),
    flags: bytes[13],
    window: view.getUint16(14),
    ...readOptions(bytes.subarray(HEADER_BYTES, headerBytes)),
    payload: bytes.subarray(headerBytes),
  };
}

export function buildTcp(source: number, destination: number, segment: TcpSegment): Datagram {
  const options: number[] = [];
  if (segment.segmentSize !== undefined) {
    options.push(OPTION.segmentSize, 4, segment.segmentSize >> 8, segment.segmentSize & 0xff);
  }
  if (segment.windowScale !== undefined) {
    options.push(OPTION.nothing, OPTION.windowScale, 3, segment.windowScale);
  }
  const headerBytes = HEADER_BYTES + options.length;
  const payload = new Uint8Array(headerBytes + segment.payload.length);
  const view = viewOf(payload);
  view.setUint16(0, segment.sourcePort);
  view.setUint16(2, segment.destinationPort);
  view.setUint32(4, segment.sequence);
  view.setUint32(8, segment.acknowledgment);
  payload[12] = (headerBytes / 4) << 4;
  payload[13] = segment.flags;
  view.setUint16(14, segment.window);
  payload.set(options, HEADER_BYTES);
  payload.set(segment.payload, headerBytes);
  const datagram = { source, destination, protocol: PROTOCOL.tcp, payload };
  view.setUint16(16, transportChecksum(datagram));
  return datagram;
}

function readOptions(options: Uint8Array): Pick<TcpSegment, 'segmentSize' | 'windowScale'> {
  let segmentSize: number | undefined;
  let windowScale: number | undefined;
  for (let at = 0; at < options.length && options[at] !== OPTION.end; ) {
    if (options[at] === OPTION.nothing) {
      at++;
      continue;
    }
    const length = options[at + 1] ?? 0;
    if (length < 2 || at + length > options.length) break;
    if (options[at] === OPTION.segmentSize && length === 4) {
      segmentSize = (options[at + 2] << 8) | options[at + 3];
    }
    if (options[at] === OPTION.windowScale && length === 3) {
      windowScale = Math.min(options[at + 2], LARGEST_SCALE);
    }
    at += length;
  }
  return { segmentSize, windowScale };
}
