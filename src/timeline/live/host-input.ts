import type { SoundFormat } from '../../ports/device.js';
import type { ConsoleBackend, SoundBackend } from '../../ports/host.js';
import type { InputEvent } from '../../ports/input-event.js';
import type { Navigator } from '../history/navigator.js';
import type { HostPorts } from './host-ports.js';
import {
  BlockCompletions,
  CapturedSound,
  EntropyInput,
  EventQueue,
  LiveInput,
  ReceivedPackets,
  SemihostingAnswers,
  TypedInput,
} from './live-input.js';

/** Everything through which the host's input comes to a live machine. */
export class HostInput {
  readonly live: LiveInput;
  readonly #requests = new EventQueue();
  readonly #consoles: readonly TypedInput[];
  readonly #packets: ReceivedPackets;

  constructor(navigator: Navigator, host: HostPorts, listening: boolean) {
    const { machine } = navigator;
    const isReal = () => navigator.branch.parent === undefined;
    this.#consoles = [0, 1].map(port => new TypedInput(machine, port));
    const entropy = host.random === undefined ? [] : [new EntropyInput(machine, host.random)];
    if (machine.config.entropy === 'host' && listening && host.random === undefined) {
      throw new Error("the host's entropy is wanted, and it gives none");
    }
    const packets = new ReceivedPackets(machine);
    this.#packets = packets;
    const sound = new CapturedSound(machine, (bytes, format) => capture(host.sound, bytes, format));
    const blocks = new BlockCompletions(machine, host.blocks, () => this.live.wake());
    this.live = new LiveInput(host.clock, [
      this.#requests,
      ...entropy,
      sound,
      blocks,
      new SemihostingAnswers(machine, host.semihosting, isReal),
      packets,
      ...this.#consoles,
    ]);
    if (!listening) return;
    const backends: readonly (ConsoleBackend | undefined)[] = [host.console, host.virtioConsole];
    for (const [port, backend] of backends.entries()) backend?.onInput(bytes => this.type(port, bytes));
    host.network?.onReceive(packet => {
      packets.receive(packet);
      this.live.wake();
    });
  }

  /** Input for a console, which enters as it has room. */
  type(port: number, bytes: Uint8Array): void {
    this.#consoles[port].type(bytes);
    this.live.wake();
  }

  /** What entered on a course of events that is no more comes again, before what waits already. */
  giveBack(events: readonly InputEvent[]): void {
    for (const event of [...events].reverse()) {
      if (event.kind === 'console') this.#consoles[event.port].untype(event.bytes);
      else if (event.kind === 'network') this.#packets.giveBack(event.bytes);
      else if (event.kind === 'input') this.#requests.unshift(event);
    }
  }

  /** An event that enters at the next boundary where the machine looks at the host. */
  request(event: InputEvent): void {
    this.#requests.push(event);
    this.live.wake();
  }
}

/** Silence where the host captures nothing. */
const capture = (sound: SoundBackend | undefined, bytes: number, format: SoundFormat): Uint8Array =>
  sound?.capture?.(bytes, format) ?? new Uint8Array(bytes);
