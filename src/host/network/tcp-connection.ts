import { FULL_SEGMENT } from './ipv4.js';
import { SendBuffer } from './send-buffer.js';
import { advance, distance, FLAG, type TcpSegment } from './tcp-segment.js';

/** The host's end of a connection. */
export interface HostStream {
  write(bytes: Uint8Array): void;
  /** No more is written; what the other side sends is still read. */
  end(): void;
  destroy(): void;
  pause(): void;
  resume(): void;
  /** Bytes written and not taken by the host's network yet. */
  readonly backlog: number;
}

/** What a connection says to the guest; addresses and ports are its owner's business. */
export type Outgoing = Omit<TcpSegment, 'sourcePort' | 'destinationPort'>;

export interface ConnectionPorts {
  transmit(segment: Outgoing): void;
  /** It is over: nothing is sent or expected any more. */
  closed(): void;
}

type Phase =
  /** The guest asked; the host's side is not connected yet. */
  | 'connecting'
  /** We asked the guest. */
  | 'syn-sent'
  /** We answered the guest. */
  | 'syn-received'
  | 'open'
  | 'closed';

const LARGEST_WINDOW = 65_535;
/** Host data held for the guest, above and below which the host is told to wait and to go on. */
const FULL_BUFFER = 256 * 1024;
const LOW_BUFFER = 64 * 1024;
const DEFAULT_SEGMENT = 536;
const DUPLICATES_OF_LOSS = 3;
const FIRST_TIMEOUT_MS = 300;
const LONGEST_TIMEOUT_MS = 10_000;
/** Tries to reach a guest that does not answer at all. An open connection has no limit: the guest may be halted. */
const MOST_SYNS = 12;
const NOTHING = new Uint8Array();

/**
 * One TCP connection (RFC 793, RFC 1122, RFC 7323's window scale) between the guest and a stream of the host, as seen
 * from the guest's peer. The cable keeps order and seldom loses: segments out of order are not kept, and
 * there is no congestion control.
 */
export class TcpConnection {
  #phase: Phase;
  #unacknowledged: number;
  #next: number;
  /** One past the highest number ever sent. */
  #highest: number;
  #synAcknowledged = false;
  #window = 0;
  #scale = 0;
  #scales = true;
  #segmentSize = DEFAULT_SEGMENT;
  readonly #buffer = new SendBuffer();
  #hostEnded = false;
  #finAcknowledged = false;
  #expected = 0;
  #guestEnded = false;
  #advertised = LARGEST_WINDOW;
  #duplicates = 0;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;
  #hostPaused = false;

  private constructor(
    phase: Phase,
    sequence: number,
    readonly host: HostStream,
    readonly ports: ConnectionPorts,
  ) {
    this.#phase = phase;
    this.#unacknowledged = sequence;
    this.#next = sequence;
    this.#highest = sequence;
  }

  /** The guest's SYN came; it is answered when the host's side is connected. */
  static fromGuest(
    syn: TcpSegment,
    sequence: number,
    host: HostStream,
    ports: ConnectionPorts,
  ): TcpConnection {
    const connection = new TcpConnection('connecting', sequence, host, ports);
    connection.#takeSyn(syn);
    return connection;
  }

  /** The host's side is connected; the guest is asked. */
  static toGuest(sequence: number, host: HostStream, ports: ConnectionPorts): TcpConnection {
    const connection = new TcpConnection('syn-sent', sequence, host, ports);
    connection.#sendSyn();
    return connection;
  }

  // What the host's side does.

  hostConnected(): void {
    if (this.#phase !== 'connecting') return;
    this.#phase = 'syn-received';
    this.#sendSyn();
  }

  hostData(bytes: Uint8Array): void {
    if (this.#phase === 'closed') return;
    this.#buffer.append(bytes);
    if (this.#buffer.length >= FULL_BUFFER && !this.#hostPaused) {
      this.#hostPaused = true;
      this.host.pause();
    }
    this.#sendMore();
  }

  hostEnd(): void {
    if (this.#phase === 'closed') return;
    this.#hostEnded = true;
    this.#sendMore();
  }

  /** It could not be connected, or broke. */
  hostFailed(): void {
    if (this.#phase !== 'closed') this.abort();
  }

  /** The host took what was written: the guest may send again. */
  hostDrained(): void {
    if (this.#phase === 'open' && this.#advertised < FULL_SEGMENT) this.#acknowledge();
  }

  abort(): void {
    if (this.#phase !== 'syn-sent') this.#send(FLAG.rst | FLAG.ack, this.#next, NOTHING);
    this.#finish();
  }

  // What the guest sends.

  receive(segment: TcpSegment): void {
    const { flags } = segment;
    if (this.#phase === 'closed') return;
    if ((flags & FLAG.rst) !== 0) {
      if (this.#resetIsMeant(segment)) this.#finish();
      return;
    }
    if ((flags & FLAG.syn) !== 0) {
      this.#receiveSyn(segment);
      return;
    }
    if ((flags & FLAG.ack) === 0 || this.#phase === 'connecting' || this.#phase === 'syn-sent') return;
    if (distance(segment.acknowledgment, this.#highest) > 0) {
      this.#acknowledge();
      return;
    }
    if (this.#phase === 'syn-received') {
      if (segment.acknowledgment !== this.#highest) return;
      this.#phase = 'open';
    }
    this.#receiveAcknowledgment(segment);
    const answer = this.#receiveData(segment);
    const before = this.#highest;
    this.#sendMore();
    if (answer && this.#highest === before) this.#acknowledge();
    if (this.#finAcknowledged && this.#guestEnded) this.#finish();
  }

  #resetIsMeant({ sequence, flags, acknowledgment }: TcpSegment): boolean {
    if (this.#phase === 'syn-sent') return (flags & FLAG.ack) !== 0 && acknowledgment === this.#highest;
    const ahead = distance(sequence, this.#expected);
    return ahead >= 0 && ahead <= LARGEST_WINDOW;
  }

  #receiveSyn(segment: TcpSegment): void {
    if (this.#phase === 'syn-received') {
      // Our answer was lost.
      if (advance(segment.sequence, 1) === this.#expected) this.#sendSyn();
    } else if (this.#phase === 'syn-sent') {
      if ((segment.flags & FLAG.ack) === 0 || segment.acknowledgment !== this.#highest) return;
      this.#takeSyn(segment);
      this.#phase = 'open';
      this.#takeAcknowledgment(segment.acknowledgment, 1);
      this.#acknowledge();
      this.#sendMore();
    } else if (this.#phase === 'open') {
      this.#acknowledge();
    }
  }

  /** A window is never scaled in a SYN. */
  #takeSyn(syn: TcpSegment): void {
    this.#expected = advance(syn.sequence, 1);
    this.#window = syn.window;
    this.#segmentSize = Math.max(1, Math.min(syn.segmentSize ?? DEFAULT_SEGMENT, FULL_SEGMENT));
    this.#scales = syn.windowScale !== undefined;
    this.#scale = syn.windowScale ?? 0;
  }

  #receiveAcknowledgment(segment: TcpSegment): void {
    const acknowledged = distance(segment.acknowledgment, this.#unacknowledged);
    if (acknowledged < 0) return;
    const window = segment.window * 2 ** this.#scale;
    if (acknowledged > 0) {
      this.#takeAcknowledgment(segment.acknowledgment, acknowledged);
    } else if (
      segment.payload.length === 0 &&
      window === this.#window &&
      this.#highest !== this.#unacknowledged &&
      ++this.#duplicates === DUPLICATES_OF_LOSS
    ) {
      const sent = distance(this.#highest, this.#unacknowledged);
      this.#sendAt(this.#unacknowledged, Math.min(sent, this.#segmentSize));
    }
    this.#window = window;
  }

  #takeAcknowledgment(acknowledgment: number, count: number): void {
    // The first number of all is our SYN's.
    const bytes = this.#synAcknowledged ? count : count - 1;
    if (this.#hostEnded && bytes > this.#buffer.length) this.#finAcknowledged = true;
    this.#buffer.dropFirst(bytes);
    this.#unacknowledged = acknowledgment;
    if (distance(this.#next, acknowledgment) < 0) this.#next = acknowledgment;
    this.#synAcknowledged = true;
    this.#duplicates = 0;
    this.#tries = 0;
    this.#stopTimer();
    if (this.#hostPaused && this.#buffer.length <= LOW_BUFFER) {
      this.#hostPaused = false;
      this.host.resume();
    }
  }

  /** Hands new data to the host; whether the guest is to be answered. */
  #receiveData(segment: TcpSegment): boolean {
    const { payload, flags } = segment;
    const known = distance(this.#expected, segment.sequence);
    const fin = (flags & FLAG.fin) !== 0;
    if (payload.length === 0 && !fin) return known !== 0;
    if (known < 0 || this.#guestEnded) return true;
    const fresh = payload.subarray(known, known + this.#receiveWindow);
    if (fresh.length > 0) {
      this.#expected = advance(this.#expected, fresh.length);
      this.host.write(fresh);
    }
    if (fin && advance(segment.sequence, payload.length) === this.#expected) {
      this.#expected = advance(this.#expected, 1);
      this.#guestEnded = true;
      this.host.end();
    }
    return true;
  }

  get #receiveWindow(): number {
    return Math.max(0, LARGEST_WINDOW - this.host.backlog);
  }

  // What we send.

  /** Sends what the guest's window has room for; `probe`: a byte even when it has none. */
  #sendMore(probe = false): void {
    if (this.#phase !== 'open') return;
    const window = Math.max(this.#window, probe ? 1 : 0);
    for (;;) {
      const inFlight = distance(this.#next, this.#unacknowledged);
      const unsent = this.#buffer.length - inFlight;
      if (unsent < 0) break;
      const length = Math.min(unsent, this.#segmentSize, window - inFlight);
      const fin = this.#hostEnded && length === unsent;
      if (length <= 0 && !fin) break;
      // No slivers while the guest is about to open its window.
      if (length < unsent && length < this.#segmentSize && inFlight > 0) break;
      this.#next = this.#sendAt(this.#next, length);
    }
    if (this.#highest !== this.#unacknowledged || this.#buffer.length > 0) this.#startTimer();
  }

  /** Sends a segment of at most `length` bytes from a place on; returns the number after it. */
  #sendAt(sequence: number, length: number): number {
    const offset = distance(sequence, this.#unacknowledged);
    const payload = this.#buffer.slice(offset, length);
    const fin = this.#hostEnded && offset + payload.length === this.#buffer.length;
    const flags = FLAG.ack | (payload.length > 0 ? FLAG.psh : 0) | (fin ? FLAG.fin : 0);
    this.#send(flags, sequence, payload);
    const end = advance(sequence, payload.length + (fin ? 1 : 0));
    if (distance(end, this.#highest) > 0) this.#highest = end;
    return end;
  }

  #sendSyn(): void {
    const first = this.#unacknowledged;
    this.#next = advance(first, 1);
    this.#highest = this.#next;
    const answer = this.#phase === 'syn-received';
    this.#advertised = LARGEST_WINDOW;
    this.ports.transmit({
      flags: FLAG.syn | (answer ? FLAG.ack : 0),
      sequence: first,
      acknowledgment: answer ? this.#expected : 0,
      window: LARGEST_WINDOW,
      segmentSize: FULL_SEGMENT,
      // Our own windows are not scaled; the guest may scale its only if we say so.
      windowScale: this.#scales ? 0 : undefined,
      payload: NOTHING,
    });
    this.#startTimer();
  }

  #acknowledge(): void {
    this.#send(FLAG.ack, this.#next, NOTHING);
  }

  #send(flags: number, sequence: number, payload: Uint8Array): void {
    this.#advertised = this.#receiveWindow;
    this.ports.transmit({
      flags,
      sequence,
      acknowledgment: this.#expected,
      window: this.#advertised,
      payload,
    });
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return;
    const ms = Math.min(FIRST_TIMEOUT_MS * 2 ** this.#tries, LONGEST_TIMEOUT_MS);
    this.#timer = setTimeout(() => this.#timedOut(), ms);
    this.#timer.unref();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #timedOut(): void {
    this.#timer = undefined;
    this.#tries++;
    if (this.#phase === 'open') {
      // Everything from the first byte that did not arrive is sent again.
      this.#next = this.#unacknowledged;
      this.#sendMore(true);
    } else if (this.#tries < MOST_SYNS) {
      this.#sendSyn();
    } else {
      this.abort();
    }
  }

  #finish(): void {
    const clean = this.#finAcknowledged && this.#guestEnded;
    this.#phase = 'closed';
    this.#stopTimer();
    if (!clean) this.host.destroy();
    this.ports.closed();
  }
}
