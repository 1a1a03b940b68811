import type { Command } from 'commander';
import { print, tell } from '../messages.js';
import { addExamples } from '../program-parts.js';
import { QEMU_OPTIONS } from '../qemu/qemu-options.js';
import { translate } from '../qemu/translate.js';
import { quoted } from '../shell-words.js';

interface Options {
  readonly print?: true;
  readonly record?: string;
}

const optionsHelp = (): string =>
  QEMU_OPTIONS.map(
    ({ names, value, meaning }) =>
      `  ${`${names.join(', ')}${value === undefined ? '' : ` ${value}`}`.padEnd(42)} ${meaning}`,
  ).join('\n');

export function addQemu(program: Command): void {
  const command = program
    .command('qemu')
    .summary('run what a QEMU command line says')
    .description(
      'Says which backstub line a QEMU command line means, and runs it. What would change the guest and cannot be carried is refused by name.',
    )
    .argument('<line...>', 'qemu-system-riscv64 or qemu-system-riscv32, and its options')
    .option('--print', 'only print the line')
    .option('--record <file>', 'also write a recording; an existing file is replaced')
    .passThroughOptions();
  addExamples(command, [
    ['backstub qemu qemu-system-riscv64 -M virt -nographic -bios none -kernel firmware.elf', 'run it'],
    ['backstub qemu --print qemu-system-riscv64 -M virt -kernel Image -s -S', 'how to serve it'],
  ]);
  command.addHelpText('after', () => `\nOptions of QEMU:\n${optionsHelp()}`);
  command.action(async (line: readonly string[], options: Options) => {
    const { words, notices } = translate(line, options.record);
    const text = `backstub ${words.map(quoted).join(' ')}`;
    if (options.print) {
      print(`${text}\n`);
      return;
    }
    tell(text);
    for (const notice of notices) tell(notice);
    await program.parseAsync([...words], { from: 'user' });
  });
}
