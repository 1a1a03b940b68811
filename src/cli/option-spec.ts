/** What an option of the command line is, and how tables of them become options of commands and types of values. */
import { Command, Option } from 'commander';

export interface OptionSpec<T> {
  readonly flags: string;
  readonly help: string;
  /** Its value is optional and stands behind an equals sign: what follows as a word of its own is something else. */
  readonly attached?: true;
  /** What holds when the option is not given, for the help text. */
  readonly fallback?: string | undefined;
  /** Help of the same option with `no-` before it, whose value is false. */
  readonly refusal?: string;
  /** `before`: the value so far, when the option is given once more. */
  parse(text: string, before?: T): T;
}

export const option = <T>(
  flags: string,
  help: string,
  parse: (text: string) => T,
  fallback?: string,
): OptionSpec<T> => ({
  flags,
  help,
  parse,
  ...(fallback === undefined ? {} : { fallback }),
});

/** An option that may be given more than once: its values in order. */
export const repeatable = <T>(flags: string, help: string, parse: (text: string) => T) => ({
  flags,
  help,
  parse: (text: string, before?: readonly T[]): readonly T[] => [...(before ?? []), parse(text)],
});

/** An option without a value. */
export const flag = (flags: string, help: string): OptionSpec<true> => ({ flags, help, parse: () => true });

/** An option whose value may be absent: `--flag` or `--flag=VALUE`. Absent, it is the empty text. */
export const attached = <T>(flags: string, help: string, parse: (text: string) => T): OptionSpec<T> => ({
  flags,
  help,
  parse,
  attached: true,
});

export const anyText = (value: string): string => value;

export type OptionTable = Readonly<Record<string, OptionSpec<unknown>>>;

/** The values of a table's options; undefined where an option was not given. */
export type Values<T extends OptionTable> = { readonly [K in keyof T]?: ReturnType<T[K]['parse']> };

export function addOptions(command: Command, table: OptionTable): Command {
  for (const { flags, help, fallback, attached, refusal, parse } of Object.values(table)) {
    const text = fallback === undefined ? help : `${help} (default: ${fallback})`;
    const option = attached ? new AttachedOption(flags, text) : new Option(flags, text);
    command.addOption(option.argParser<unknown>(parse));
    if (refusal !== undefined) command.addOption(refused(option, refusal));
  }
  return command;
}

const refused = ({ long }: Option, help: string) =>
  new Option(`${long}`.replace('--', '--no-'), help).argParser<unknown>(() => false);

class AttachedOption extends Option {}

/** A command that takes the word behind an option for its value only where the option has to have one. */
export class WordCommand extends Command {
  override createCommand(name?: string): Command {
    return new WordCommand(name);
  }

  override parseOptions(words: string[]): ReturnType<Command['parseOptions']> {
    const bare = this.options.filter(option => option instanceof AttachedOption).map(({ long }) => long);
    return super.parseOptions(words.map(word => (bare.includes(word) ? `${word}=` : word)));
  }
}
