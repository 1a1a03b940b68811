import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ACCESS } from '../../src/riscv/privileged.js';
import { PAGES, PTE, pageAt, STATUS, Tables } from './page-tables.js';

const FULL = process.env.BACKSTUB_FULL !== undefined;
const { V, R, W, X, U, A, D } = PTE;
const LEAVES = [R | X | A, R | W | X | A | D, R | W | A | D, R | A, R | W | X | U | A | D, R | X | U | A];

const index = fc.integer({ min: 0, max: 2 });
const page = fc.integer({ min: 0, max: PAGES - 1 });
const entry = fc.oneof(
  fc.record({ page, flags: fc.constantFrom(V, V, V, 0) }),
  fc.record({ page, flags: fc.constantFrom(...LEAVES).map(flags => flags | V) }),
);
const access = fc.constantFrom(ACCESS.read, ACCESS.write, ACCESS.execute);
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('map' as const), table: page, index, entry }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), table: page }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('satp' as const), root: page }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sum' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mxr' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mode' as const), user: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('access' as const), path: fc.tuple(index, index, index), access }),
  },
);

const PATHS = [0, 1, 2].flatMap(a => [0, 1, 2].flatMap(b => [0, 1, 2].map(c => [a, b, c] as const)));

describe.each([64, 32] as const)('RV%i', xlen => {
  test('what a TLB holds is what the page tables say, whatever is written to them and whichever is in force', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 120 }), actions => {
        const tables = new Tables(xlen);
        for (const one of actions) {
          if (one.do === 'map') tables.map(one.table, one.index, one.entry.page, one.entry.flags);
          else if (one.do === 'clear') tables.bench.write(pageAt(one.table), new Uint8Array(4096));
          else if (one.do === 'satp') tables.root(one.root);
          else if (one.do === 'sum') tables.status(STATUS.sum, one.on);
          else if (one.do === 'mxr') tables.status(STATUS.mxr, one.on);
          else if (one.do === 'mode') tables.bench.hart.state.privilege = one.user ? 0 : 1;
          else tables.access(tables.address(one.path), one.access);
          for (const path of PATHS) {
            for (const kind of [ACCESS.read, ACCESS.write, ACCESS.execute]) {
              tables.compare(tables.address(path), kind);
            }
          }
        }
      }),
      { numRuns: FULL ? 300 : 40 },
    );
  });

  // By way of first entries down to the third entry of the last table, a leaf to another page for each root.
  const path = xlen === 64 ? [0, 0, 2] : [0, 2];
  /** One page with these flags, read while `bit` of sstatus is set. */
  const readWith = (bit: number, flags: number) => {
    const tables = new Tables(xlen);
    const va = tables.address(path);
    tables.map(path.length - 1, 2, 7, flags | V);
    tables.status(bit, true);
    tables.access(va, ACCESS.read);
    expect(tables.compare(va, ACCESS.read), 'the page is cached').toBe(true);
    return { tables, va };
  };

  test.each([
    ['SUM', 'user', STATUS.sum, R | W | U | A | D],
    ['MXR', 'execute-only', STATUS.mxr, X | A],
  ])('%s cleared: a cached %s page is no longer there for loads', (_, _page, bit, flags) => {
    const { tables, va } = readWith(bit, flags);
    tables.status(bit, false);
    expect(tables.bench.hart.mmu.translate(va, 0, 4, ACCESS.read)).toBe(-1);
    expect(tables.compare(va, ACCESS.read)).toBe(false);
  });

  test('more address spaces than the TLB keeps: each sees its own page, first and again', () => {
    const tables = new Tables(xlen);
    const va = tables.address(path);
    for (const root of [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 6, 5, 7]) {
      tables.root(root);
      tables.compare(va, ACCESS.read);
      tables.access(va, ACCESS.read);
      expect(tables.compare(va, ACCESS.read), `root ${root} is cached`).toBe(true);
    }
  });
});
