import type { MachineOutputs, SoundPort } from '../../ports/device.js';
import type { Branch } from '../history/branch.js';
import type { Navigator } from '../history/navigator.js';
import type { HostPorts } from '../live/host-ports.js';
import { ConsoleOutput } from './console-output.js';
import { HeardOutput } from './heard-output.js';
import { NetworkOutput } from './network-output.js';
import { SentOnce } from './sent-once.js';

/** All that the guest sends to the host, each thing shown once however often its step is replayed. */
export class GuestOutput implements MachineOutputs {
  readonly serial: ConsoleOutput;
  readonly virtioConsole: ConsoleOutput;
  /** On the same console; one who listens has it, too. */
  readonly semihosting: HeardOutput;
  readonly network: NetworkOutput | undefined;
  readonly sound: SoundPort | undefined;
  readonly #consoles: readonly ConsoleOutput[];
  readonly #navigator: () => Navigator;

  constructor(host: HostPorts, navigator: () => Navigator, firstBranch: string) {
    this.#navigator = navigator;
    const place = () => ({ ...navigator().now, arriving: navigator().arriving });
    const { network, sound } = host;
    const once = new SentOnce(navigator);
    this.sound = sound && {
      play: (samples, format, ordinal) => {
        if (once.isNew(ordinal)) sound.play(samples, format);
      },
    };
    this.network = network && new NetworkOutput(navigator, packet => network.send(packet));
    this.serial = new ConsoleOutput(bytes => host.console.write(bytes), place, firstBranch);
    this.virtioConsole = new ConsoleOutput(bytes => host.virtioConsole?.write(bytes), place, firstBranch);
    this.semihosting = new HeardOutput(this.serial);
    this.#consoles = [this.serial, this.virtioConsole];
  }

  /** Output of the steps and events up to here has been seen. */
  reached(): void {
    const { now } = this.#navigator();
    for (const console of this.#consoles) console.reached(now);
    this.semihosting.tell();
  }

  flush(): void {
    for (const console of this.#consoles) console.flush();
  }

  /** From here on the machine is on this branch; one not heard of before begins where it was forked. */
  onBranch({ name, forkedAt }: Branch): void {
    for (const console of this.#consoles) console.onBranch(name, forkedAt);
  }

  forgetBranch(name: string): void {
    for (const console of this.#consoles) console.forgetBranch(name);
  }

  /** The step from which on all that was printed is remembered; undefined: from the beginning. */
  get rememberedFrom(): number | undefined {
    const from = Math.max(...this.#consoles.map(console => console.rememberedFrom ?? -1));
    return from < 0 ? undefined : from;
  }

  /** The step that printed the last byte of the last occurrence of a text on a console before a boundary. */
  lastPrinted(text: string, before: number): number | undefined {
    const found = this.#consoles.map(console => console.lastPrinted(text, before) ?? -1);
    const last = Math.max(...found);
    return last < 0 ? undefined : last;
  }
}
