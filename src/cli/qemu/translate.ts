import { findOpenSbi } from '../../assembly/opensbi.js';
import { InputError } from '../../state/input-error.js';
import { QemuLine, refuse } from './qemu-line.js';
import { qemuOption } from './qemu-options.js';

export interface Translation {
  /** The words of our command line, its command first. */
  readonly words: readonly string[];
  /** What the user should know. */
  readonly notices: readonly string[];
}

/** What a QEMU command line means. `record`: the file to record into. Throws InputError for what cannot be carried. */
export function translate([program = '', ...args]: readonly string[], record?: string): Translation {
  const width = /(?:^|\/)qemu-system-riscv(32|64)$/.exec(program)?.[1];
  if (width === undefined)
    throw new InputError(`${program || 'nothing'} is not qemu-system-riscv64 or qemu-system-riscv32`);
  const line = new QemuLine(width === '32' ? 32 : 64);
  for (let at = 0; at < args.length; at++) {
    const option = args[at].startsWith('-') ? qemuOption(args[at]) : undefined;
    if (option === undefined) refuse(args[at], 'it is not known here');
    if (option.value !== undefined && ++at >= args.length)
      throw new InputError(`QEMU's ${args[at - 1]} needs a value`);
    option.carry(line, option.value === undefined ? '' : args[at]);
  }
  for (const step of line.later) step();
  return { words: wordsOf(line, record), notices: [...line.notices] };
}

function wordsOf(line: QemuLine, record: string | undefined): readonly string[] {
  const { gdb, halted, inputs, words } = line;
  const serves = gdb !== undefined || halted;
  const bios = line.bios ?? 'default';
  const start =
    line.kernel === undefined
      ? [bios === 'default' ? findOpenSbi(line.xlen) : bios, '--bios', 'none']
      : [line.kernel, '--bios', bios];
  if (start[0] === 'none') refuse('-bios none', 'there is no -kernel, so nothing would run');
  return [
    ...(serves ? ['serve'] : record === undefined ? ['run'] : ['record', '-o', record]),
    ...start,
    ...['--cpu', line.cpu ?? `rv${line.xlen}`],
    ...words,
    ...(inputs.length > 0 ? ['--input', inputs.join()] : []),
    ...(gdb === undefined ? [] : ['--gdb', gdb]),
    ...(serves && record !== undefined ? ['--record', record] : []),
  ];
}
