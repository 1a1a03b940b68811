import type { SoundFormat, SoundPort, TimerPort, VirtualClock } from '../../ports/device.js';
import { bytes, halves, u32, words } from '../../state/layout.js';
import { ByteQueue, byteQueueFields } from '../kit/byte-queue.js';
import { type TransportPorts, type VirtioFunction, VirtioMmio, virtioState } from './mmio-transport.js';
import { type Chain, offeredFeatures } from './queue.js';
import { gather, lengthOf, requireAtMost, type Scattered, scatter } from './scatter.js';
import { durationNs, soundFormat, streamInfo } from './sound-format.js';

const QUEUE = { control: 0, event: 1, playback: 2, capture: 3 } as const;
const QUEUE_SIZES = [64, 64, 64, 64];
/** Captured samples that have entered the machine and wait: 85 ms of 48 kHz stereo. */
const CAPTURED_BYTES = 16_384;

/** virtio 1.2, section 5.14.6. */
const REQUEST = {
  jackInfo: 1,
  streamInfo: 0x100,
  setParameters: 0x101,
  prepare: 0x102,
  release: 0x103,
  start: 0x104,
  stop: 0x105,
  channelMapInfo: 0x200,
} as const;
const RESULT = { ok: 0x8000, badMessage: 0x8001, unsupported: 0x8002 } as const;
const HEADER_BYTES = 4;
const STATUS_BYTES = 8;
const QUERY_BYTES = 16;
const STREAM_INFO_BYTES = 32;
const CONFIG_BYTES = 12;
const STREAMS_AT = 4;
/** Of a command, and of what one item of information may be asked to take. */
const MOST_COMMAND_BYTES = 4096;
/** Of one buffer: half a minute of 48 kHz stereo, and more. */
const MOST_BUFFER_BYTES = 2 ** 23;

/** The streams; their numbers are their directions, too. */
const STREAM = { playback: 0, capture: 1 } as const;
const STREAMS = 2;
const PHASE = { unset: 0, set: 1, prepared: 2, running: 3 } as const;
const NONE = 0xffff;

export const VIRTIO_SOUND_STATE = virtioState('virtio-sound', QUEUE_SIZES, {
  phase: bytes(STREAMS),
  rate: words(STREAMS),
  channels: bytes(STREAMS),
  /** Buffer under way: its descriptor, or none. */
  buffer: halves(STREAMS, [NONE, NONE]),
  /** Buffers that were played. */
  played: u32(),
  ...byteQueueFields(CAPTURED_BYTES),
});

export type VirtioSoundState = ReturnType<(typeof VIRTIO_SOUND_STATE)['bind']>;

export interface VirtioSoundPorts extends TransportPorts {
  readonly output: SoundPort | undefined;
  /** Whether captured samples come from the host; else all is silent. */
  readonly captures: boolean;
  readonly clock: VirtualClock;
  /** By stream: the end of the buffer under way. */
  readonly timers: readonly TimerPort[];
}

/**
 * Sound device (virtio 1.2, section 5.14) with a stream each way. A buffer takes as long in virtual time as its samples
 * last; one that is played leaves for the host when it begins, one that is captured is filled when it ends.
 */
export class VirtioSound implements VirtioFunction {
  readonly deviceId = 25;
  readonly queueSizes = QUEUE_SIZES;
  readonly features = offeredFeatures(0);
  readonly configBytes = CONFIG_BYTES;
  readonly transport: VirtioMmio;
  readonly #captured: ByteQueue;

  constructor(
    private readonly state: VirtioSoundState,
    private readonly ports: VirtioSoundPorts,
  ) {
    this.transport = new VirtioMmio(this, state, 'modern', ports);
    this.#captured = new ByteQueue(state);
  }

  /** Bytes of captured samples that would be good to have, and their format; undefined: none. */
  get wanted(): { readonly bytes: number; readonly format: SoundFormat } | undefined {
    const running = this.state.phase[STREAM.capture] === PHASE.running;
    if (!this.ports.captures || !running || this.#captured.room < CAPTURED_BYTES / 2) return undefined;
    const format = this.#format(STREAM.capture);
    const frame = 2 * format.channels;
    return { bytes: Math.floor(this.#captured.room / frame) * frame, format };
  }

  /** Captured samples enter. */
  capture(samples: Uint8Array): void {
    this.#captured.enqueue(samples);
  }

  readConfig(offset: number): number {
    return offset === STREAMS_AT ? STREAMS : 0;
  }

  writeConfig(): void {}

  notified(queue: number): void {
    if (queue === QUEUE.control) this.transport.guarded(() => this.#control());
    else if (queue === QUEUE.playback) this.#begin(STREAM.playback);
    else if (queue === QUEUE.capture) this.#begin(STREAM.capture);
  }

  onTimer(stream: number): void {
    this.transport.guarded(() => this.#finish(stream));
    this.#begin(stream);
  }

  reset(): void {
    this.state.phase.fill(PHASE.unset);
    this.state.buffer.fill(NONE);
    for (const timer of this.ports.timers) timer.arm(Number.POSITIVE_INFINITY);
  }

  #format(stream: number): SoundFormat {
    return { rate: this.state.rate[stream], channels: this.state.channels[stream] };
  }

  #control(): void {
    const answered = this.transport.queues[QUEUE.control].serveAll(chain =>
      scatter(chain.in, this.#answer(gather(chain.out, 0, MOST_COMMAND_BYTES))),
    );
    if (answered) this.transport.interruptForQueue(QUEUE.control);
  }

  #answer(request: Uint8Array): Uint8Array {
    if (request.length < HEADER_BYTES) return statusOf(RESULT.badMessage);
    const view = new DataView(request.buffer);
    const code = view.getUint32(0, true);
    switch (code) {
      case REQUEST.streamInfo:
        return request.length < QUERY_BYTES ? statusOf(RESULT.badMessage) : describeStreams(view);
      case REQUEST.jackInfo:
      case REQUEST.channelMapInfo:
        return statusOf(RESULT.badMessage);
      case REQUEST.setParameters:
      case REQUEST.prepare:
      case REQUEST.release:
      case REQUEST.start:
      case REQUEST.stop: {
        const stream = request.length < 8 ? STREAMS : view.getUint32(4, true);
        return statusOf(stream < STREAMS ? this.#command(code, stream, view) : RESULT.badMessage);
      }
      default:
        return statusOf(RESULT.unsupported);
    }
  }

  /** A stream's commands follow its life cycle (section 5.14.6.6.1). */
  #command(code: number, stream: number, view: DataView): number {
    const { state } = this;
    const phase = state.phase[stream];
    switch (code) {
      case REQUEST.setParameters: {
        if (view.byteLength < 24 || phase === PHASE.running) return RESULT.badMessage;
        if (view.getUint32(16, true) !== 0) return RESULT.unsupported;
        const format = soundFormat(view.getUint8(20), view.getUint8(21), view.getUint8(22));
        if (format === undefined) return RESULT.unsupported;
        state.rate[stream] = format.rate;
        state.channels[stream] = format.channels;
        state.phase[stream] = PHASE.set;
        return RESULT.ok;
      }
      case REQUEST.prepare:
        if (phase !== PHASE.set && phase !== PHASE.prepared) return RESULT.badMessage;
        state.phase[stream] = PHASE.prepared;
        return RESULT.ok;
      case REQUEST.start:
        if (phase !== PHASE.prepared) return RESULT.badMessage;
        state.phase[stream] = PHASE.running;
        this.#begin(stream);
        return RESULT.ok;
      case REQUEST.stop:
        if (phase !== PHASE.running) return RESULT.badMessage;
        state.phase[stream] = PHASE.prepared;
        return RESULT.ok;
      default:
        if (phase !== PHASE.prepared) return RESULT.badMessage;
        this.#release(stream);
        return RESULT.ok;
    }
  }

  /** Buffers that wait are handed back. */
  #release(stream: number): void {
    const { state } = this;
    const number = queueOf(stream);
    const queue = this.transport.queues[number];
    state.phase[stream] = PHASE.set;
    this.ports.timers[stream].arm(Number.POSITIVE_INFINITY);
    if (state.buffer[stream] !== NONE) this.#handBack(stream, queue.chain(state.buffer[stream]), NOTHING);
    state.buffer[stream] = NONE;
    if (!queue.ready) return;
    queue.serveAll(chain => this.#fill(chain, NOTHING));
    this.transport.interruptForQueue(number);
  }

  /** Takes the next buffer, if the stream runs and none is under way. */
  #begin(stream: number): void {
    const { state, ports } = this;
    if (!this.transport.driven) return;
    this.transport.guarded(() => {
      const queue = this.transport.queues[queueOf(stream)];
      if (state.phase[stream] !== PHASE.running || state.buffer[stream] !== NONE || !queue.ready) return;
      const chain = queue.pop();
      if (chain === undefined) return;
      requireAtMost(MOST_BUFFER_BYTES, stream === STREAM.playback ? chain.out : chain.in);
      const format = this.#format(stream);
      state.buffer[stream] = chain.head;
      const length = stream === STREAM.playback ? lengthOf(chain.out) - HEADER_BYTES : roomOf(chain.in);
      if (stream === STREAM.playback && length > 0) {
        state.played++;
        ports.output?.play(gather(chain.out, HEADER_BYTES), format, state.played);
      }
      ports.timers[stream].arm(ports.clock.nowNs() + durationNs(Math.max(length, 0), format));
    });
  }

  /** The buffer under way has lasted its time. */
  #finish(stream: number): void {
    const { state } = this;
    const head = state.buffer[stream];
    if (head === NONE) return;
    state.buffer[stream] = NONE;
    const number = queueOf(stream);
    const chain = this.transport.queues[number].chain(head);
    requireAtMost(MOST_BUFFER_BYTES, chain.in);
    const samples = stream === STREAM.capture ? new Uint8Array(Math.max(roomOf(chain.in), 0)) : NOTHING;
    this.#captured.take(samples);
    this.#handBack(stream, chain, samples);
    this.transport.interruptForQueue(number);
  }

  #handBack(stream: number, chain: Chain, samples: Uint8Array): void {
    this.transport.queues[queueOf(stream)].push(chain.head, this.#fill(chain, samples));
  }

  /** The status stands behind the samples, which fill all the room before it. Returns how many bytes were filled. */
  #fill({ in: filled }: Chain, samples: Uint8Array): number {
    requireAtMost(MOST_BUFFER_BYTES, filled);
    const answer = new Uint8Array(Math.max(roomOf(filled), 0) + STATUS_BYTES);
    answer.set(samples);
    new DataView(answer.buffer).setUint32(answer.length - STATUS_BYTES, RESULT.ok, true);
    return scatter(filled, answer);
  }
}

const NOTHING = new Uint8Array(0);

const queueOf = (stream: number) => (stream === STREAM.playback ? QUEUE.playback : QUEUE.capture);

/** Bytes for samples before the status. */
const roomOf = (filled: Scattered) => lengthOf(filled) - STATUS_BYTES;

const statusOf = (result: number) => new Uint8Array(Uint32Array.of(result).buffer);

function describeStreams(query: DataView): Uint8Array {
  const first = query.getUint32(4, true);
  const count = query.getUint32(8, true);
  const size = query.getUint32(12, true);
  if (first + count > STREAMS || size < STREAM_INFO_BYTES || size > MOST_COMMAND_BYTES)
    return statusOf(RESULT.badMessage);
  const answer = new Uint8Array(HEADER_BYTES + count * size);
  answer.set(statusOf(RESULT.ok));
  for (let i = 0; i < count; i++) answer.set(streamInfo(first + i), HEADER_BYTES + i * size);
  return answer;
}
