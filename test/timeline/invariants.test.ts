/** Each invariant that is looked for where the machine rests (src/timeline/rest-check.ts), broken by hand. */

import { afterEach, describe, expect, test } from 'vitest';
import type { Session } from '../../src/assembly/session.js';
import { ENTRY, TLB_TABLE, TLB_VALUE } from '../../src/engine/engine-layout.js';
import { PAGE_FLAG } from '../../src/memory/guest-memory.js';
import { InputLog } from '../../src/replay/input-log.js';
import { BrokenInvariant } from '../../src/state/invariant.js';
import { bootFixture, fixture } from '../support/sessions.js';
import { virt } from '../support/virt.js';

const MOMENTS = [100_000, 200_000, 300_000];
const SERIAL_PAGE = 7;

let session: Session;

afterEach(() => session.close());

/** Rests in a kernel whose processes run behind page tables, with snapshots, inputs and points of every kind. */
async function rest(): Promise<Session> {
  session = bootFixture(fixture('rv64', 'kernel'), {
    config: { harts: 2, icountShift: 6, ramBytes: 4 << 20 },
    disks: [{ name: 'disk', sectors: 64, extents: [] }],
    snapshotIntervalSteps: 50_000,
  }).session;
  session.attach();
  const address = session.symbols.find('switches')!.address;
  for (const icount of MOMENTS) {
    await session.runToEnd({ maxIcount: icount });
    session.writeMemory(0, address - 8n, Uint8Array.of(0));
  }
  session.insertWatchpoint('write', address, 4);
  session.insertBreakpoint(session.symbols.find('switch_context')!.address);
  await session.resume({ kind: 'continue', direction: 'forward' });
  await session.runToEnd({ maxIcount: session.machine.icount + 20_000 });
  return session;
}

/** The machine rests again without having run. */
const look = () => session.runToEnd({ maxIcount: session.machine.icount });
const memory = () => session.machine.board.memory;

/** The first entry of a hart's TLB, in any of its banks, that holds something of a kind. */
function cachedEntry(table: number): number {
  const { i32, plan } = memory();
  const bankBytes = 3 * TLB_TABLE.store;
  for (const hart of virt(session.machine).board.harts) {
    for (const bank of [hart.mmu.tlb, hart.mmu.dataBank, hart.mmu.fetchBank]) {
      for (let entry = bank + table; entry < bank + table + bankBytes / 3; entry += 16) {
        if ((i32[entry >> 2] & 4095) === 0) return entry;
      }
    }
  }
  throw new Error(`nothing is cached from ${plan.ram} on`);
}

/** A decoded instruction of the page that hart 0 runs in. */
function decodedEntry(): number {
  const { decode } = session.machine.board;
  for (let page = 0; page < memory().pageCount; page++) {
    const at = decode.decodedPage(page);
    for (let entry = at; at !== 0 && entry < at + 4096 * 4; entry += 8) {
      if (memory().u8[entry + ENTRY.operation] >= 6) return entry;
    }
  }
  throw new Error('no page is decoded');
}

const firstFlagged = (flag: number) => {
  const page = memory().flags.findIndex(flags => (flags & flag) !== 0);
  if (page < 0) throw new Error(`no page has flag ${flag}`);
  return page;
};

test('a machine that rests keeps them all', async () => {
  await rest();
  for (let i = 0; i < 40; i++) await look();
  await session.resume({ kind: 'continue', direction: 'backward' });
  await session.resume({ kind: 'step', direction: 'backward', hart: undefined });
});

describe('is found where the machine rests:', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'a page that was written and is flagged clean',
      () => {
        memory().beforeWrite(memory().hostAddressOfPage(SERIAL_PAGE), 1);
        memory().flags[SERIAL_PAGE] |= PAGE_FLAG.clean;
      },
      /memory: \d+ pages flagged as written of \d+/,
    ],
    [
      'a page that is flagged as watched and is not',
      () => {
        memory().flags[SERIAL_PAGE] |= PAGE_FLAG.watched;
      },
      /memory: .* \d+ as watched of \d+/,
    ],
    [
      'a page of page tables that lost its flag',
      () => {
        for (let page = 0; page < memory().pageCount; page++) memory().flags[page] &= ~PAGE_FLAG.pageTable;
      },
      /the TLB: translations came out of page \d+, which is not flagged as a table/,
    ],
    [
      'a translation that no walk finds',
      () => {
        memory().i32[(cachedEntry(TLB_TABLE.load) + TLB_VALUE) >> 2] += 4096;
      },
      /the TLB: 0x[0-9a-f]+ is cached as page \d+, which a walk does not find/,
    ],
    [
      'a decoded page that is not watched for writes',
      () => {
        memory().flags[firstFlagged(PAGE_FLAG.code)] &= ~PAGE_FLAG.code;
      },
      /the decode cache: page \d+ is decoded at \d+, and not watched for writes/,
    ],
    [
      'an instruction that is decoded as another one',
      () => {
        memory().u8[decodedEntry() + ENTRY.result] ^= 1;
      },
      /the decode cache: page \d+ has changed at \d+ since it was decoded/,
    ],
    [
      'a breakpoint that the machine was not given',
      () => session.machine.board.breakpoints.set([{ low: 0x8000_0000, high: 0 }]),
      /the points: armed are "0:2147483648\+0" and not ""/,
    ],
    [
      'a timer that did not fire',
      () => {
        session.machine.board.time.state.deadlines[0] = 1;
      },
      /virtual time: a timer that was due at 1 ns has not fired/,
    ],
    [
      'a turn that is not settled',
      () => {
        session.machine.board.machineState.quantumLeft = 0;
      },
      /the machine: whose turn it is was not settled/,
    ],
    [
      'a stored page with a reference too many',
      () => {
        const { pool } = session.navigator.store;
        const { pages } = session.navigator.branch.snapshots.all[1].snapshot;
        let page = 0;
        while (pages.at(page) < 0) page++;
        pool.retain(pages.at(page));
      },
      /the page pool: slot \d+ counts (\d+) references of \d+/,
    ],
    [
      'a snapshot that nobody holds',
      () => {
        session.navigator.store.take();
      },
      /the snapshot store: \d+ snapshots are counted of \d+/,
    ],
    [
      'snapshots out of order',
      () => {
        const [, placed] = session.navigator.branch.snapshots.all;
        Object.assign(placed, { at: { ...placed.at, icount: 10 ** 9 } });
      },
      /the snapshots: \d+ stands behind 1000000000/,
    ],
    [
      'an event that entered too early',
      () => {
        session.navigator.cursor = 0;
      },
      /the navigator: 0 events have entered by icount \d+/,
    ],
  ])('%s', async (_, breakIt, message) => {
    await rest();
    breakIt();
    const looks = async () => {
      // What takes long is looked at once in so many rests, and one decoded page each time.
      for (let i = 0; i < 64; i++) await look();
    };
    await expect(looks()).rejects.toThrow(message);
  });
});

describe('a log of inputs whose blocks', () => {
  const block = (first: number, count: number, icount: number) => ({
    first,
    count,
    icount,
    load: () => {
      throw new Error('events are not looked at');
    },
  });

  test.each([
    ['leave a gap', [block(0, 2, 5), block(3, 1, 9)]],
    ['overlap', [block(0, 2, 5), block(1, 1, 9)]],
    ['are out of order', [block(0, 2, 5), block(2, 1, 4)]],
    ['end behind its end', [block(0, 2, 5), block(2, 1, 11)]],
  ])('%s is found', (_, blocks) => {
    expect(() => InputLog.of(blocks, 10).check()).toThrow(BrokenInvariant);
    expect(() => InputLog.of([block(0, 2, 5), block(2, 1, 5)], 10).check()).not.toThrow();
  });
});
