import { isElf, parseElf } from '../images/elf.js';
import { SEGMENT_LOAD } from '../images/elf-format.js';
import type { MachineConfig } from '../ports/config.js';
import { RISCV_ELF } from '../riscv/elf-machine.js';
import { SEMIHOSTING_CODE } from '../riscv/riscv-caller.js';
import { InputError } from '../state/input-error.js';

/** Which calls by semihosting a machine answers; not given: those that need no files, if its program makes any. */
export type SemihostingChoice = 'off' | 'console' | 'files';

export interface SemihostingOptions {
  readonly semihosting?: SemihostingChoice | undefined;
  /** Of the program, behind its name, for SYS_GET_CMDLINE. */
  readonly args?: string | undefined;
  readonly append?: string | undefined;
}

type Program = { readonly name: string; readonly bytes: Uint8Array };

/** The settings that follow. Throws InputError for arguments that nothing can ask for. */
export function semihostingSettings(
  program: Program,
  { semihosting, args, append }: SemihostingOptions,
): Pick<MachineConfig, 'semihosting' | 'commandLine'> {
  const chosen = semihosting ?? (isLinkedForIt(program) ? 'linked' : 'off');
  if (chosen === 'off') {
    if (args === undefined) return {};
    throw new InputError(
      `${program.name} is not linked for semihosting, so it cannot ask for its arguments`,
      {
        setting: 'semihosting',
        value: 'too, if it does',
      },
    );
  }
  const name = program.name.slice(program.name.lastIndexOf('/') + 1);
  const given = args ?? append ?? '';
  return {
    semihosting: chosen === 'linked' ? 'console' : chosen,
    commandLine: given === '' ? name : `${name} ${given}`,
  };
}

/** Whether the words of a call stand together in a segment that is loaded and executed. */
function isLinkedForIt({ name, bytes }: Program): boolean {
  if (!isElf(bytes)) return false;
  return parseElf(name, bytes, RISCV_ELF).segments.some(({ type, executable, offset, fileBytes }) => {
    if (type !== SEGMENT_LOAD || !executable) return false;
    return holds(bytes.subarray(offset, offset + fileBytes), SEMIHOSTING_CODE);
  });
}

/** At even offsets: instructions stand there. */
function holds(code: Uint8Array, wanted: Uint8Array): boolean {
  for (let at = code.indexOf(wanted[0]); at >= 0; at = code.indexOf(wanted[0], at + 1)) {
    if (at % 2 === 0 && wanted.every((byte, i) => code[at + i] === byte)) return true;
  }
  return false;
}
