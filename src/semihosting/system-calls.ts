/** Calls about time, the program and its end. None of them asks the host. */
import { ERRNO } from '../ports/semihosting-host.js';
import type { Call, Outcome, SemihostingCall } from './call.js';

/** ADP_Stopped_ApplicationExit: the reason of a program that ends by itself. */
const APPLICATION_EXIT = 0x2_0026;
const NS_PER_CENTISECOND = 1e7;
const NS_PER_SECOND = 1e9;

function exit(call: Call, reason: number, code: number): Outcome {
  call.ports.power.powerOff(reason === APPLICATION_EXIT ? code : 1);
  return 'off';
}

function exitWithBlock(call: Call): Outcome {
  return call.load(2) ? exit(call, call.number(0), call.word(1).low & 0xff) : call.fault();
}

function commandLine(call: Call): Outcome {
  const text = call.ports.commandLine;
  if (text.length + 1 > call.number(1)) return call.fail(ERRNO.tooLong);
  const line = new Uint8Array(text.length + 1);
  line.set(text);
  const { low, high } = call.word(0);
  if (!call.putWords(call.caller.parameter, [high * 2 ** 32 + low, text.length])) return call.fault();
  return call.memory.write({ low, high }, line) ? 0 : call.fault();
}

function heap(call: Call): Outcome {
  const { base, limit } = call.ports.heap;
  return call.putWords(call.word(0), [base, limit, limit, base]) ? 0 : call.fault();
}

function elapsed(call: Call): Outcome {
  const ticks = call.ports.clock.nowNs();
  const words = call.caller.wordBytes === 8 ? [ticks] : [ticks % 2 ** 32, Math.floor(ticks / 2 ** 32)];
  return call.putWords(call.caller.parameter, words) ? 0 : call.fault();
}

export const SYSTEM_CALLS: readonly SemihostingCall[] = [
  {
    number: 0x08,
    name: 'SYS_ISERROR',
    takes: 'block: result of another call',
    gives: '1 when it is negative, else 0',
    fields: 1,
    run(call) {
      const { low, high } = call.word(0);
      return (call.caller.wordBytes === 8 ? high : low) >>> 31;
    },
  },
  {
    number: 0x10,
    name: 'SYS_CLOCK',
    takes: 'nothing',
    gives: 'hundredths of a second of virtual time',
    fields: 0,
    run: ({ ports: { clock } }) => Math.floor(clock.nowNs() / NS_PER_CENTISECOND),
  },
  {
    number: 0x11,
    name: 'SYS_TIME',
    takes: 'nothing',
    gives: 'seconds since 1970: where the real-time clock starts, and virtual time since',
    fields: 0,
    run: ({ ports: { clock, startSeconds } }) => startSeconds + Math.floor(clock.nowNs() / NS_PER_SECOND),
  },
  {
    number: 0x12,
    name: 'SYS_SYSTEM',
    takes: 'block: command, its length',
    gives: '-1: no command of the host is ever run',
    fields: 0,
    run: call => call.fail(ERRNO.notImplemented),
  },
  {
    number: 0x13,
    name: 'SYS_ERRNO',
    takes: 'nothing',
    gives: "number of the last error, Linux's",
    fields: 0,
    run: ({ state }) => state.errno,
  },
  {
    number: 0x15,
    name: 'SYS_GET_CMDLINE',
    takes: 'block: buffer, its length',
    gives: "0, the program's name and arguments in the buffer, and their length in the block; or -1",
    fields: 2,
    run: commandLine,
  },
  {
    number: 0x16,
    name: 'SYS_HEAPINFO',
    takes: 'block: address of four fields',
    gives: '0, and in the fields heap base and limit, stack base and limit: the largest free part of RAM',
    fields: 1,
    run: heap,
  },
  {
    number: 0x18,
    name: 'SYS_EXIT',
    takes: '64 bits: block: reason, exit code. 32 bits: reason',
    gives: 'no return: ends the run. Reason 0x20026 with the code, or for 32 bits with 0; others with 1',
    fields: 0,
    run: call => {
      const { caller } = call;
      return caller.wordBytes === 8 ? exitWithBlock(call) : exit(call, caller.parameter.low, 0);
    },
  },
  {
    number: 0x20,
    name: 'SYS_EXIT_EXTENDED',
    takes: 'block: reason, exit code',
    gives: 'no return: ends the run, as SYS_EXIT for 64 bits',
    fields: 0,
    run: exitWithBlock,
  },
  {
    number: 0x30,
    name: 'SYS_ELAPSED',
    takes: 'address of 64 bits',
    gives: '0, and there the ticks of virtual time',
    fields: 0,
    run: elapsed,
  },
  {
    number: 0x31,
    name: 'SYS_TICKFREQ',
    takes: 'nothing',
    gives: '1000000000 ticks a second',
    fields: 0,
    run: () => NS_PER_SECOND,
  },
];
