/** Options of the machine. Most are rows of `SETTINGS`; what gives more than one setting's value has its row here. */
import type { ConfigOptions } from '../assembly/session.js';
import { hostSeconds } from '../host/clock.js';
import {
  isSettingName,
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
  type SettingOption,
  type SettingValue,
  settingOf,
} from '../ports/settings.js';
import type { ValueKind } from '../ports/value-kinds.js';
import { CPU_NAMES } from '../riscv/cpu-models.js';
import type { SayAdvice } from '../state/input-error.js';
import { DEVICE_OPTIONS } from './device-options.js';
import { anyText, type OptionSpec, option, repeatable, type Values } from './option-spec.js';
import { ENGINE_OPTIONS, TRAP_LOOP_OPTIONS } from './options.js';
import { giving, type OwnOption } from './own-option.js';
import { SEMIHOSTING_OPTIONS } from './semihosting-options.js';
import {
  type EntropySpec,
  parseBoard,
  parseCpu,
  parseEntropy,
  parseLoad,
  parseOneOf,
  parserOf,
  parseSerial,
  SERIAL_HELP,
} from './values.js';

type Rows = typeof SETTINGS;
type OptionOf<N extends SettingName> = Rows[N] extends { readonly option: infer O } ? O : never;
/** Names of options that rows of settings leave to this file. */
type OwnName = { [N in SettingName]: Extract<OptionOf<N>, string> }[SettingName];
/** Options whose value is a setting's. */
type PlainOptions = {
  readonly [N in SettingName as OptionOf<N> extends { readonly name: infer O extends string }
    ? O
    : never]: OptionSpec<SettingValue<N>>;
};

const OWN_OPTIONS = {
  machine: giving(
    option(
      '--machine <board>',
      "board to build: virt, or virt,aclint=on with supervisor software interrupts (QEMU's SSWI)",
      parseBoard,
      'virt',
    ),
    settings => settings,
  ),
  cpu: giving(
    option(
      '--cpu <cpu>',
      `${CPU_NAMES.join(', ')}, each with QEMU's options (rv64,zbc=off), or an ISA string (rv64imac_zba; s in it is S mode)`,
      parseCpu,
      "as the ELF file's class",
    ),
    cpu => ({ cpu }),
  ),
  entropy: giving(
    option(
      '--entropy <source>',
      'what randomness comes from: seed=N, or host, which is recorded',
      parseEntropy,
      `seed=${SETTINGS.entropySeed.now}`,
    ),
    (source: EntropySpec) => (source.kind === 'host' ? { entropy: 'host' } : { entropySeed: source.seed }),
  ),
  rtc: giving(
    option(
      '--rtc <base>',
      "real-time clock: vm starts in 2024, host at the host's time; then both follow virtual time",
      parseOneOf('vm', 'host'),
      'vm',
    ),
    base => (base === 'host' ? { rtcSeconds: hostSeconds() } : {}),
  ),
  ...DEVICE_OPTIONS,
  ...SEMIHOSTING_OPTIONS,
} as const satisfies { readonly [N in OwnName]: object };

/** `--disk-async` for `diskAsync`. */
export const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;

/** How the value of an option is read and written: a test sees to it that every row says it. */
const writerOf = (row: Setting<unknown>, { kind }: SettingOption<unknown>) =>
  kind ?? (row.kind as ValueKind<unknown>);

function plainOption(row: Setting<unknown>, option: SettingOption<unknown>): OptionSpec<unknown> {
  const { name, value, help } = option;
  const kind = writerOf(row, option);
  const now = row.presence === 'required' && row.now !== undefined ? kind.write(row.now) : '';
  return {
    flags: value === undefined ? flagOf(name) : `${flagOf(name)} <${value}>`,
    help,
    parse: parserOf(kind),
    fallback: now === '' ? option.fallback : now,
  };
}

/** In the order of the settings, whichever way they are given. */
function settingOptions(): PlainOptions & typeof OWN_OPTIONS {
  const options: Record<string, OptionSpec<unknown>> = {};
  for (const setting of SETTING_NAMES) {
    const row = settingOf(setting);
    if (typeof row.option === 'object') options[row.option.name] = plainOption(row, row.option);
    else if (row.option !== undefined)
      options[row.option] = OWN_OPTIONS[row.option as OwnName] as OptionSpec<unknown>;
  }
  return options as unknown as ReturnType<typeof settingOptions>;
}

/** Keys are the options' names in camel case, as the argument parser gives them. */
export const MACHINE_OPTIONS = {
  ...settingOptions(),
  bios: option(
    '--bios <file>',
    'firmware that runs before the kernel, none, or default: the OpenSBI that is installed',
    anyText,
    'none',
  ),
  kernel: option('--kernel <file>', 'the firmware, instead of naming it as argument', anyText),
  initrd: option('--initrd <file>', 'initial RAM disk for the kernel', anyText),
  load: repeatable(
    '--load <file[@address]>',
    'put a file into memory at that address, or an ELF file where it wants to be; may be given more than once',
    parseLoad,
  ),
  clock: option(
    '--clock <kind>',
    'idle time: virtual jumps over it, realtime waits as long as it lasts',
    parseOneOf('virtual', 'realtime'),
    'realtime when the console is interactive or there is a network, else virtual',
  ),
  serial: option('--serial <where>', `console: ${SERIAL_HELP}`, parseSerial, 'stdio'),
  ...ENGINE_OPTIONS,
  ...TRAP_LOOP_OPTIONS,
} as const;

export type MachineOptions = Values<typeof MACHINE_OPTIONS>;

/** The settings that these options give. */
export function settingsOf(options: MachineOptions): ConfigOptions {
  const given = options as Readonly<Record<string, unknown>>;
  const settings: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const { option } = settingOf(name);
    if (typeof option === 'object') settings[name] = given[option.name];
  }
  const slots: Record<string, number> = {};
  for (const [name, { settings: of }] of Object.entries(OWN_OPTIONS) as [string, OwnOption<unknown>][]) {
    const own = given[name] === undefined ? {} : of(given[name]);
    Object.assign(settings, own);
    Object.assign(slots, own.slots);
  }
  return { ...settings, slots };
}

/** How the command line's users change a setting: those that are no machine's have their option's name. */
export const sayOption: SayAdvice = ({ setting, value }) => {
  const row = isSettingName(setting) ? settingOf(setting) : undefined;
  if (typeof row?.option !== 'object') return `give ${flagOf(row?.option ?? setting)} ${value}`;
  const text = typeof value === 'string' ? value : writerOf(row, row.option).write(value);
  return `give ${flagOf(row.option.name)} ${text}`;
};
