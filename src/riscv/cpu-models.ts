/** CPUs as users ask for them: by QEMU's names with its options, or by ISA strings. */
import { InputError } from '../state/input-error.js';
import { extensionNamed, standardFor, withoutOne } from './extensions.js';
import { hartWith, isaText, type NamedIsa, namesIn, presentNames } from './isa-text.js';

/** A CPU as a machine's settings have it. */
export interface Cpu {
  readonly xlen: 32 | 64;
  readonly isa: string;
}

/** The CPUs of the first versions. Their texts, and what device trees say of them, stay as they were then. */
export const FIRST_CPUS = {
  rv64gc: { xlen: 64, isa: 'rv64imafdcsu_zicsr_zifencei_zba_zbb_zbs' },
  rv32gc: { xlen: 32, isa: 'rv32imafdcsu_zicsr_zifencei_zba_zbb_zbs' },
  rv64gc_zkr: { xlen: 64, isa: 'rv64imafdcsu_zicsr_zifencei_zba_zbb_zbs_zkr' },
  rv32gc_zkr: { xlen: 32, isa: 'rv32imafdcsu_zicsr_zifencei_zba_zbb_zbs_zkr' },
  rv64imac: { xlen: 64, isa: 'rv64imacsu_zicsr_zifencei' },
  rv32imac: { xlen: 32, isa: 'rv32imacsu_zicsr_zifencei' },
} as const satisfies Record<string, Cpu>;

/** `rv64` and `rv32` are QEMU 7.2's; `max`, of either width, has all that there is. */
const MODELS = ['rv64', 'rv32', 'max'] as const;

type ModelName = keyof typeof FIRST_CPUS | (typeof MODELS)[number];

export const CPU_NAMES: readonly ModelName[] = [...MODELS, ...(Object.keys(FIRST_CPUS) as ModelName[])];

const firstCpu = (name: string): Cpu | undefined =>
  Object.hasOwn(FIRST_CPUS, name) ? FIRST_CPUS[name as keyof typeof FIRST_CPUS] : undefined;

export const isOfFirstCpu = (isa: string): boolean => Object.values(FIRST_CPUS).some(one => one.isa === isa);

/**
 * The CPU of a text such as `rv64`, `max,zicond=off` or `rv32imac_zba`; `width` is that of the firmware, where it
 * says one. Throws InputError for what there is not.
 */
export function cpuOf(text: string, width: 32 | 64 | undefined): Cpu {
  const [name, ...options] = text.toLowerCase().split(',');
  const first = firstCpu(name);
  if (first !== undefined && options.length === 0) return first;
  const named = namesOfModel(name, width) ?? namesIn(first?.isa ?? name);
  if (named === undefined)
    throw new InputError(
      `no CPU is called ${name}: there is ${CPU_NAMES.join(', ')}, or an ISA string such as rv64imac_zba`,
    );
  const changed = options.reduce((names, option) => withOption(names, option, named.xlen), named.names);
  const hart = hartWith({ xlen: named.xlen, names: changed });
  return { xlen: hart.xlen, isa: isaText(hart) };
}

function namesOfModel(name: string, width: 32 | 64 | undefined): NamedIsa | undefined {
  if (name === 'max') return { xlen: width ?? 64, names: standardFor('max', width ?? 64) };
  if (name !== 'rv64' && name !== 'rv32') return undefined;
  const xlen = name === 'rv64' ? 64 : 32;
  return { xlen, names: standardFor('rv64', xlen) };
}

/** What QEMU's CPUs have and none here: leaving it out is no mistake. */
const NEVER_HERE = new Set(
  'v h zve32f zve32x zve64f zve64d zve64x zfinx zdinx zhinx zhinxmin smaia ssaia smstateen sscofpmf'.split(
    ' ',
  ),
);

/** Options of QEMU that are called otherwise than the extension they turn off. */
const QEMU_NAMES: ReadonlyMap<string, string> = new Map([['debug', 'sdtrig']]);

const ON = ['on', 'true', 'yes', 'y'];
const OFF = ['off', 'false', 'no', 'n'];

/** Names of extensions with one of QEMU's options carried out: `zbc=off`, `zicond=true`. */
function withOption(names: readonly string[], option: string, xlen: 32 | 64): readonly string[] {
  const [given, value = '', ...more] = option.split('=');
  const name = QEMU_NAMES.get(given) ?? given;
  if (more.length > 0 || (!ON.includes(value) && !OFF.includes(value)))
    throw new InputError(`${option} is no option of a CPU: name an extension, as in zbc=off or zicond=on`);
  const on = ON.includes(value);
  if (!on && NEVER_HERE.has(name)) return names;
  const row = extensionNamed(name);
  if (row === undefined) throw new InputError(`no CPU here has ${name}: there ${presentNames()}`);
  if (on) return [...names, name];
  if (row.since === 'every') throw new InputError(`every CPU here has ${name}: it cannot be off`);
  return withoutOne(names, name, xlen);
}
