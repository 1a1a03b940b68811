/** Counters: privileged spec 3.1.10 to 3.1.12, unprivileged spec chapter 10 (Zicntr). */
import type { Csr, CsrFile } from './csr-file.js';
import type { HartConfig } from './privileged.js';

type Counter = 'mcycle' | 'minstret';
const INHIBIT_BIT: Record<Counter, number> = { mcycle: 0, minstret: 2 };
const OFFSET_FIELD = { mcycle: 'mcycleOffset', minstret: 'minstretOffset' } as const;

/** A cycle is a step of this hart; an instruction retires in each step that is not a trap entry. */
function counted(file: CsrFile, counter: Counter): number {
  const steps = file.ports.steps();
  return counter === 'mcycle' ? steps : steps - file.state.trapEntries;
}

const inhibited = (file: CsrFile, counter: Counter) =>
  ((file.state.mcountinhibit >>> INHIBIT_BIT[counter]) & 1) === 1;

function readCounter(file: CsrFile, counter: Counter): void {
  const offset = file.state[OFFSET_FIELD[counter]];
  if (inhibited(file, counter)) file.get(offset);
  else addCount(file, offset[0], offset[1], counted(file, counter));
}

/** Makes the counter show this value to the next instruction, and to a debugger that has written it. */
function writeCounter(file: CsrFile, counter: Counter, low: number, high: number): void {
  const offset = file.state[OFFSET_FIELD[counter]];
  if (inhibited(file, counter)) {
    file.set(low, high);
  } else {
    // The instruction that writes is a step that the value already counts.
    addCount(file, low, high, -(counted(file, counter) + (file.poking ? 0 : 1)));
  }
  offset[0] = file.low;
  offset[1] = file.high;
}

/** Sets the file's words to (low, high) + count, modulo 2^64; count is an integer within +-2^53. */
function addCount(file: CsrFile, low: number, high: number, count: number): void {
  const sum = low + (count - Math.floor(count / 2 ** 32) * 2 ** 32);
  file.set(sum % 2 ** 32, high + Math.floor(count / 2 ** 32) + (sum >= 2 ** 32 ? 1 : 0));
}

function lowRow(name: string, number: number, counter: Counter, machine: boolean, xlen: 32 | 64): Csr {
  return {
    name,
    number,
    read: file => {
      readCounter(file, counter);
      if (xlen === 32) file.high = 0;
    },
    ...(machine
      ? {
          write: (file, low, high) => {
            if (xlen === 64) {
              writeCounter(file, counter, low, high);
              return;
            }
            readCounter(file, counter);
            writeCounter(file, counter, low, file.high);
          },
        }
      : { permits: file => file.counterEnabled(INHIBIT_BIT[counter]) }),
  };
}

function highRow(name: string, number: number, counter: Counter, machine: boolean): Csr {
  return {
    name,
    number,
    read: file => {
      readCounter(file, counter);
      file.set(file.high);
    },
    ...(machine
      ? {
          write: (file, low) => {
            readCounter(file, counter);
            writeCounter(file, counter, file.low, low);
          },
        }
      : { permits: file => file.counterEnabled(INHIBIT_BIT[counter]) }),
  };
}

const TIME_BIT = 1;

function timeRow(name: string, number: number, half: 'all' | 'low' | 'high'): Csr {
  return {
    name,
    number,
    read: file => {
      file.ports.readTime(file);
      if (half === 'low') file.high = 0;
      if (half === 'high') file.set(file.high);
    },
    permits: file => file.counterEnabled(TIME_BIT),
  };
}

const zeroRow = (name: string, number: number, bit: number | undefined): Csr => ({
  name,
  number,
  read: () => {},
  ...(bit === undefined ? { write: () => {} } : { permits: file => file.counterEnabled(bit) }),
});

const inhibitRow: Csr = {
  name: 'mcountinhibit',
  number: 0x320,
  read: file => file.set(file.state.mcountinhibit),
  write: (file, low) => {
    for (const counter of ['mcycle', 'minstret'] as const) {
      const stops = ((low >>> INHIBIT_BIT[counter]) & 1) === 1;
      if (stops === inhibited(file, counter)) continue;
      readCounter(file, counter);
      const { low: valueLow, high: valueHigh } = file;
      file.state.mcountinhibit ^= 1 << INHIBIT_BIT[counter];
      writeCounter(file, counter, valueLow, valueHigh);
    }
  },
};

export function counterRows(config: HartConfig): Csr[] {
  const wide = config.xlen === 64;
  const rows: Csr[] = [
    lowRow('mcycle', 0xb00, 'mcycle', true, config.xlen),
    lowRow('minstret', 0xb02, 'minstret', true, config.xlen),
    lowRow('cycle', 0xc00, 'mcycle', false, config.xlen),
    timeRow('time', 0xc01, wide ? 'all' : 'low'),
    lowRow('instret', 0xc02, 'minstret', false, config.xlen),
    inhibitRow,
  ];
  if (!wide) {
    rows.push(
      highRow('mcycleh', 0xb80, 'mcycle', true),
      highRow('minstreth', 0xb82, 'minstret', true),
      highRow('cycleh', 0xc80, 'mcycle', false),
      timeRow('timeh', 0xc81, 'high'),
      highRow('instreth', 0xc82, 'minstret', false),
    );
  }
  // Performance counters count nothing: hardwired to zero, as 3.1.10 allows.
  for (let i = 3; i < 32; i++) {
    rows.push(
      zeroRow(`mhpmcounter${i}`, 0xb00 + i, undefined),
      zeroRow(`mhpmevent${i}`, 0x320 + i, undefined),
      zeroRow(`hpmcounter${i}`, 0xc00 + i, i),
    );
    if (!wide) {
      rows.push(zeroRow(`mhpmcounter${i}h`, 0xb80 + i, undefined), zeroRow(`hpmcounter${i}h`, 0xc80 + i, i));
    }
  }
  return rows;
}
