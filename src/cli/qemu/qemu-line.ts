/** What a QEMU command line means here, gathered option by option. */
import { InputError } from '../../state/input-error.js';
import { partsOf } from '../listed-value.js';

/** A value with settings behind it, as QEMU writes them: `virtio-blk-device,drive=x0`. */
export class QemuValue {
  readonly first: string;
  readonly #settings = new Map<string, string[]>();

  /** `implied`: the name that the first part has where it is no setting. */
  constructor(
    readonly option: string,
    text: string,
    implied?: string,
  ) {
    const parts = [...partsOf(text)];
    const bare = parts[0].includes('=') ? undefined : parts.shift();
    for (const part of parts) {
      const equals = part.indexOf('=');
      const [name, value] = equals < 0 ? [part, 'on'] : [part.slice(0, equals), part.slice(equals + 1)];
      this.#settings.set(name, [...(this.#settings.get(name) ?? []), value]);
    }
    this.first = bare ?? (implied === undefined ? undefined : this.take(implied)) ?? '';
  }

  /** The last value of a setting, which is then dealt with. */
  take(name: string): string | undefined {
    return this.takeAll(name).at(-1);
  }

  takeAll(name: string): readonly string[] {
    const values = this.#settings.get(name) ?? [];
    this.#settings.delete(name);
    return values;
  }

  /** Of those that change nothing for the guest. */
  drop(...names: readonly string[]): void {
    for (const name of names) this.#settings.delete(name);
  }

  /** What nobody has dealt with cannot be carried. */
  refuseRest(): void {
    for (const [name, [value]] of this.#settings) refuse(`${this.option} ${this.first},${name}=${value}`);
  }
}

/** Throws InputError: this option of QEMU's would change what the guest sees, and has no counterpart. */
export function refuse(what: string, why = 'it has no counterpart here'): never {
  throw new InputError(`QEMU's ${what} cannot be carried: ${why}`);
}

/** A file's name where a comma divides. */
export const escaped = (path: string): string => path.replaceAll(',', ',,');

interface Drive {
  readonly file: string;
  readonly format: string | undefined;
}

/** What is gathered; drives and networks are named before or behind the devices that use them. */
export class QemuLine {
  /** Options of ours, in the order given. */
  readonly words: string[] = [];
  readonly notices = new Set<string>();
  readonly drives = new Map<string, Drive>();
  readonly networks = new Map<string, string>();
  readonly channels = new Map<string, string>();
  readonly inputs: string[] = [];
  /** Carried out when all options are known. */
  readonly later: (() => void)[] = [];
  kernel: string | undefined;
  bios: string | undefined;
  cpu: string | undefined;
  gdb: string | undefined;
  halted = false;

  constructor(readonly xlen: 32 | 64) {}

  add(...words: readonly string[]): void {
    this.words.push(...words);
  }

  /** `,slot=N` for `bus=virtio-mmio-bus.N`. */
  slot(device: QemuValue): string {
    const bus = device.take('bus');
    if (bus === undefined) return '';
    const match = /^virtio-mmio-bus\.([0-7])$/.exec(bus);
    if (match === null) refuse(`bus=${bus}`, 'devices stand on virtio-mmio-bus.0 to virtio-mmio-bus.7');
    return `,slot=${match[1]}`;
  }
}
