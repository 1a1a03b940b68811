import type { ConfigOptions } from '../assembly/session.js';
import type { OptionSpec } from './option-spec.js';

/** An option, and the settings that its value gives. */
export interface OwnOption<T> extends OptionSpec<T> {
  settings(value: T): ConfigOptions;
}

export const giving = <T>(spec: OptionSpec<T>, settings: (value: T) => ConfigOptions): OwnOption<T> => ({
  ...spec,
  settings,
});
