/** Options of calls by semihosting. */
import { anyText, attached, option } from './option-spec.js';
import { giving } from './own-option.js';

/** A folder for the guest's files, if any; false: no calls are answered. */
type SemihostingSpec = false | { readonly folder: string | undefined };

export const SEMIHOSTING_OPTIONS = {
  semihosting: giving(
    {
      ...attached<SemihostingSpec>(
        '--semihosting [folder]',
        "answer the guest's calls by semihosting; with --semihosting=FOLDER those for files, too, which are in it and nowhere else",
        folder => ({ folder: folder === '' ? undefined : folder }),
      ),
      refusal: 'answer no calls by semihosting',
      fallback: 'as the firmware is linked, without files',
    },
    spec => ({ semihosting: spec === false ? 'off' : spec.folder === undefined ? 'console' : 'files' }),
  ),
  args: giving(
    option(
      '--args <text>',
      "arguments of the program, behind its name, for semihosting's SYS_GET_CMDLINE",
      anyText,
    ),
    args => ({ args }),
  ),
} as const;

/** The folder that is given to the guest. */
export const folderOf = (given: {
  readonly semihosting?: SemihostingSpec | undefined;
}): string | undefined =>
  given.semihosting === undefined || given.semihosting === false ? undefined : given.semihosting.folder;
