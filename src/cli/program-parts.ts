import type { Command } from 'commander';

/** Runs a command's body; what it returns is the exit code. */
export type Finish = (body: () => Promise<number>) => Promise<void>;

/** Adds examples, as [command line, remark], to a command's help. */
export function addExamples(command: Command, examples: readonly (readonly [string, string])[]): void {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, remark]) =>
    `  ${line.padEnd(width)}${remark && `   ${remark}`}`.trimEnd(),
  );
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
