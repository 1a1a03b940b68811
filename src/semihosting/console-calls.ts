/** Calls that print, and SYS_READC. */
import { MOST_TRANSFERRED } from '../ports/semihosting-host.js';
import type { Call, Outcome, SemihostingCall } from './call.js';

/** What stands in the result register where the specification says that it is corrupted; QEMU's choice. */
const CORRUPTED = 0xdead_beef;

export function print({ ports: { output } }: Call, bytes: Uint8Array): void {
  for (const byte of bytes) output.write(byte);
}

/** Typed bytes, as many as there are; at least one, or the call waits. */
export function takeTyped({ ports: { typed } }: Call, most: number): Uint8Array | 'input' {
  const taken: number[] = [];
  while (taken.length < most) {
    const byte = typed.take();
    if (byte < 0) break;
    taken.push(byte);
  }
  return taken.length === 0 ? 'input' : Uint8Array.from(taken);
}

function write(call: Call, bytes: Uint8Array | undefined): Outcome {
  if (bytes === undefined) return call.fault(CORRUPTED);
  print(call, bytes);
  return CORRUPTED;
}

export const CONSOLE_CALLS: readonly SemihostingCall[] = [
  {
    number: 0x03,
    name: 'SYS_WRITEC',
    takes: 'address of a byte',
    gives: 'nothing; prints it',
    fields: 0,
    run: call => write(call, call.memory.read(call.caller.parameter, 1)),
  },
  {
    number: 0x04,
    name: 'SYS_WRITE0',
    takes: 'address of a text that ends with a zero',
    gives: 'nothing; prints it',
    fields: 0,
    run: call => write(call, call.memory.text(call.caller.parameter, MOST_TRANSFERRED)),
  },
  {
    number: 0x07,
    name: 'SYS_READC',
    takes: 'nothing',
    gives: 'a byte that was typed; waits for one',
    fields: 0,
    run(call) {
      const typed = takeTyped(call, 1);
      return typed === 'input' ? typed : typed[0];
    },
  },
];
