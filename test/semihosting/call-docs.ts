import {
  ERRNO,
  LONGEST_FILE_NAME,
  MOST_TRANSFERRED,
  MOST_WRITTEN,
} from '../../src/ports/semihosting-host.js';
import { SEMIHOSTING_CALLS } from '../../src/semihosting/calls.js';
import { MOST_HANDLES } from '../../src/semihosting/state.js';

const MIB = 2 ** 20;

/** docs/semihosting.md, made of the table of calls. */
export function callDocumentation(): string {
  const rows = SEMIHOSTING_CALLS.map(
    ({ number, name, takes, gives }) =>
      `| ${name} | 0x${number.toString(16).padStart(2, '0')} | ${takes} | ${gives} |`,
  );
  const errnos = Object.entries(ERRNO).map(([name, number]) => `${number} ${spaced(name)}`);
  return `# Calls by semihosting

Made from \`src/semihosting/calls.ts\`. A call is the ebreak in \`slli x0, x0, 0x1f; ebreak; srai x0, x0, 7\`, none of them
compressed, in M or S mode: its number is in a0, its parameter in a1, its result comes in a0. Without the two others
beside it, and in U mode, an ebreak is a breakpoint exception. Blocks have fields as wide as a register. Memory is
read and written as the hart's page tables have it, whatever is protected; devices are no memory.

| call | number | parameter | result |
| --- | --- | --- | --- |
${rows.join('\n')}

Any other number gives -1. What cannot be read or written gives -1 as well, of SYS_READ and SYS_WRITE the length.
SYS_ERRNO then tells: ${errnos.join(', ')}, or what the host said.

No handle is open from the start. There are ${MOST_HANDLES} of them, from 1 on. A name has at most ${LONGEST_FILE_NAME} bytes; one call
transfers at most ${MOST_TRANSFERRED / MIB} MiB; a guest writes at most ${MOST_WRITTEN / MIB} MiB to files, and no file grows longer than that.

Files are regular files in the folder that is given, by names relative to it, or absolute ones in it. No \`..\`, no link on
the way or at its end, no folder, FIFO or device; no file that the command itself writes, and none it reads is written.

The console is that of the 16550. What is typed goes to a hart that waits in SYS_READC or SYS_READ; when none does, to
the UART, from where these calls take it later.

A call that needs files leaves its hart asleep; the answer is one input event, \`semihosting\`, and in the recording. Its
number, error, value and bytes are all that the machine learns of the host: a replay needs no
folder, and writes to none. So does a branch: there files are read as they are now, and what is written goes nowhere.
`;
}

const spaced = (name: string) => name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
