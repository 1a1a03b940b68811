import type { DiskRequest } from '../../machine/board.js';
import type { Machine } from '../../machine/machine.js';
import { LONGEST_PACKET, type SoundFormat } from '../../ports/device.js';
import type { BlockBackend, HostClock } from '../../ports/host.js';
import type { InputEvent } from '../../ports/input-event.js';
import {
  answerOf,
  ERRNO,
  type SemihostingAnswer,
  type SemihostingBackend,
  type SemihostingRequest,
} from '../../ports/semihosting-host.js';

/** One way for the host's input into the machine. It is asked at boundaries where a live machine looks at the host. */
export interface InputSource {
  /** Whether `next` would have an event that can enter now. */
  readonly pending: boolean;
  next(): InputEvent | undefined;
}

/** What the host sent and the machine has not taken yet. Host callbacks only queue, and wake. */
export class LiveInput {
  #wake: () => void = () => {};
  #woken: Promise<void> = Promise.resolve();

  constructor(
    readonly clock: HostClock,
    /** In the order in which they are asked. */
    readonly sources: readonly InputSource[],
  ) {}

  /** Ends a `wait` under way. */
  wake(): void {
    this.#wake();
  }

  /** Whether `next` would hand something over. */
  get pending(): boolean {
    return this.sources.some(source => source.pending);
  }

  /** The next event to let in, or undefined. */
  next(): InputEvent | undefined {
    for (const source of this.sources) {
      const event = source.pending ? source.next() : undefined;
      if (event !== undefined) return event;
    }
    return undefined;
  }

  /** Sleeps until something is queued or `ms` have passed. */
  async wait(ms: number): Promise<void> {
    this.#woken = new Promise(resolve => {
      this.#wake = resolve;
    });
    await this.clock.sleep(ms, this.#woken);
    this.#wake = () => {};
  }
}

/** Events that enter as they are, in the order in which they were asked for. */
export class EventQueue implements InputSource {
  readonly #events: InputEvent[] = [];

  push(event: InputEvent): void {
    this.#events.push(event);
  }

  unshift(event: InputEvent): void {
    this.#events.unshift(event);
  }

  get pending(): boolean {
    return this.#events.length > 0;
  }

  next(): InputEvent | undefined {
    return this.#events.shift();
  }
}

/** What was typed at a console. Bytes that it has no room for wait. */
export class TypedInput implements InputSource {
  readonly #typed: Uint8Array[] = [];

  constructor(
    readonly machine: Machine,
    readonly port: number,
  ) {}

  type(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#typed.push(bytes.slice());
  }

  /** Puts bytes that were taken in front again. */
  untype(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#typed.unshift(bytes.slice());
  }

  get pending(): boolean {
    return this.#typed.length > 0 && this.machine.inputs.consoleRoom(this.port) > 0;
  }

  next(): InputEvent {
    const [first] = this.#typed;
    const bytes = first.subarray(0, this.machine.inputs.consoleRoom(this.port));
    if (bytes.length === first.length) this.#typed.shift();
    else this.#typed[0] = first.subarray(bytes.length);
    return { kind: 'console', port: this.port, bytes };
  }
}

/** Random bytes of the host, which the machine asks for. */
export class EntropyInput implements InputSource {
  constructor(
    readonly machine: Machine,
    readonly random: (length: number) => Uint8Array,
  ) {}

  get pending(): boolean {
    return this.machine.inputs.entropyWanted > 0;
  }

  next(): InputEvent {
    return { kind: 'entropy', bytes: this.random(this.machine.inputs.entropyWanted) };
  }
}

/** Packets that wait outside the machine; more are lost. */
const MOST_PACKETS = 1000;

/** Packets for the network device. Those that it has no room for wait. */
export class ReceivedPackets implements InputSource {
  readonly #packets: Uint8Array[] = [];

  constructor(readonly machine: Machine) {}

  receive(packet: Uint8Array): void {
    if (this.#packets.length < MOST_PACKETS && packet.length <= LONGEST_PACKET) {
      this.#packets.push(packet.slice());
    }
  }

  /** Puts a packet that was taken in front again. */
  giveBack(packet: Uint8Array): void {
    this.#packets.unshift(packet);
  }

  get pending(): boolean {
    return this.#packets.length > 0 && this.#packets[0].length <= this.machine.inputs.networkRoom;
  }

  next(): InputEvent {
    const [bytes] = this.#packets.splice(0, 1);
    return { kind: 'network', port: 0, bytes };
  }
}

/** Samples that the host captures, as the guest's sound device wants them. */
export class CapturedSound implements InputSource {
  constructor(
    readonly machine: Machine,
    readonly capture: (bytes: number, format: SoundFormat) => Uint8Array,
  ) {}

  get pending(): boolean {
    return this.machine.inputs.soundWanted !== undefined;
  }

  next(): InputEvent | undefined {
    const wanted = this.machine.inputs.soundWanted;
    return wanted && { kind: 'audio-in', bytes: this.capture(wanted.bytes, wanted.format) };
  }
}

/**
 * Requests to disks: the host is told of each that is in flight, and those it has finished enter. What the machine
 * has in flight is asked anew each time, since it may have come from another moment.
 */
export class BlockCompletions implements InputSource {
  readonly #started = new Set<string>();
  #finished: DiskRequest[] = [];

  constructor(
    readonly machine: Machine,
    readonly backend: BlockBackend | undefined,
    readonly wake: () => void,
  ) {}

  get pending(): boolean {
    const inFlight = this.machine.inputs.diskRequests();
    this.#startNew(inFlight);
    this.#finished = this.#finished.filter(done => inFlight.some(one => isSame(one, done)));
    return this.#finished.length > 0;
  }

  next(): InputEvent | undefined {
    const first = this.#finished.shift();
    return first && { kind: 'block', disk: first.disk, request: first.request };
  }

  #startNew(inFlight: readonly DiskRequest[]): void {
    for (const one of inFlight) {
      const name = `${one.disk}/${one.request}`;
      if (this.#started.has(name) || this.#finished.some(done => isSame(one, done))) continue;
      if (this.backend === undefined) {
        this.#finished.push(one);
        continue;
      }
      this.#started.add(name);
      this.backend.start(one.disk, one.offset, one.length, () => {
        this.#started.delete(name);
        this.#finished.push(one);
        this.wake();
      });
    }
  }
}

const isSame = (a: DiskRequest, b: DiskRequest): boolean => a.disk === b.disk && a.request === b.request;

/** Nothing of the host's is there for the guest. */
const NO_FILES = answerOf({ errno: ERRNO.accessDenied });
/** What the call was made of is no more. */
const SPOILT = answerOf({ errno: ERRNO.badAddress });

/**
 * Calls by semihosting that need the host's files. What is asked is done in the moment in which its answer enters: it
 * happens once, however often that moment is come by again.
 */
export class SemihostingAnswers implements InputSource {
  constructor(
    readonly machine: Machine,
    readonly backend: SemihostingBackend | undefined,
    /** Whether the machine is on the course of events that really happens. */
    readonly isReal: () => boolean,
  ) {}

  get pending(): boolean {
    return this.machine.inputs.semihostingWanted;
  }

  next(): InputEvent {
    const { hart, call, request } = this.machine.inputs.semihostingRequest();
    const { errno, value, bytes } = request === undefined ? SPOILT : this.#answer(request);
    return { kind: 'semihosting', hart, call, errno, value, bytes };
  }

  #answer(request: SemihostingRequest): SemihostingAnswer {
    return this.backend?.answer(request, this.isReal() ? 'real' : 'pretend') ?? NO_FILES;
  }
}
