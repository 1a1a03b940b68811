/**
 * The extensions that harts may have, one row each. What an extension brings is declared under its name: instructions
 * in isa/, CSRs in csr-table.ts, state in extension-state.ts.
 */

/** Which CPU has an extension by itself: `every` one, or from this model on (see cpu-models.ts). */
type Since = 'every' | 'rv64' | 'max';

export interface Extension {
  readonly name: string;
  /** Of its specification, as ratified. */
  readonly version: string;
  readonly brings: string;
  /** Absent: only CPUs of which the text names it, or another that implies it. */
  readonly since?: Since;
  /** What a CPU that has it has too; `with`: only beside that other one. */
  readonly implies?: readonly (
    | string
    | { readonly name: string; readonly with: string; readonly xlen?: 32 }
  )[];
  /** It cannot be beside this one. */
  readonly excludes?: string;
  /** The only width that it is for. */
  readonly xlen?: 32 | 64;
  /** Device trees do not name modes. */
  readonly mode?: true;
}

type About = Omit<Extension, 'name' | 'version' | 'brings'>;

const row = (name: string, version: string, brings: string, about: About = {}): Extension => ({
  name,
  version,
  brings,
  ...about,
});

const EVERY = { since: 'every' } as const;
const RV64 = { since: 'rv64' } as const;
const MAX = { since: 'max' } as const;
/** Where the text of a CPU says `g` or `b`, say. */
const implied = (...implies: NonNullable<Extension['implies']>) => ({ implies });

/** In the order in which ISA strings name them (unprivileged spec, chapter "ISA extension naming conventions"). */
export const EXTENSIONS: readonly Extension[] = [
  row('i', '2.1', 'base instructions', EVERY),
  row('m', '2.0', 'multiplication and division', { ...RV64, ...implied('zmmul') }),
  row('a', '2.1', 'atomic instructions', { ...RV64, ...implied('zaamo', 'zalrsc') }),
  row('f', '2.2', 'single-precision floating point', RV64),
  row('d', '2.2', 'double-precision floating point', { ...RV64, ...implied('f') }),
  row('c', '2.0', 'compressed instructions', {
    ...RV64,
    ...implied('zca', { name: 'zcf', with: 'f', xlen: 32 }, { name: 'zcd', with: 'd' }),
  }),
  row('b', '1.0', 'bit manipulation', { ...MAX, ...implied('zba', 'zbb', 'zbs') }),
  row('s', '1.12', 'supervisor mode with page tables', { ...RV64, mode: true }),
  row('u', '1.12', 'user mode', { ...EVERY, mode: true }),

  row('zicbom', '1.0', 'cache-block management', MAX),
  row('zicbop', '1.0', 'prefetches, which are hints', MAX),
  row('zicboz', '1.0', 'cache blocks set to zero', MAX),
  row('zicntr', '2.0', 'cycle, time and instret', EVERY),
  row('zicond', '1.0', 'conditional zeros', MAX),
  row('zicsr', '2.0', 'control and status registers', EVERY),
  row('zifencei', '2.0', 'fence.i', EVERY),
  row('zihintntl', '1.0', 'non-temporal locality, hints', MAX),
  row('zihintpause', '2.0', 'pause, a hint', RV64),
  row('zihpm', '2.0', 'hpmcounter3 to hpmcounter31, which stand still', EVERY),
  row('zimop', '1.0', 'operations that may come to mean something', MAX),
  row('zmmul', '1.0', 'multiplication'),
  row('zaamo', '1.0', 'atomic memory operations'),
  row('zabha', '1.0', 'atomic operations on bytes and halfwords', { ...MAX, ...implied('zaamo') }),
  row('zacas', '1.0', 'compare and swap', { ...MAX, ...implied('zaamo') }),
  row('zalrsc', '1.0', 'load-reserved and store-conditional'),
  row('zawrs', '1.01', 'waiting for a reserved word', { ...MAX, ...implied('zalrsc') }),
  row('zfa', '1.0', 'more floating-point instructions', { ...MAX, ...implied('f') }),
  row('zfh', '1.0', 'half-precision floating point', { ...MAX, ...implied('zfhmin') }),
  row('zfhmin', '1.0', 'conversions of halves', implied('f')),
  row('zca', '1.0', 'compressed instructions that are not for floating point'),
  row('zcb', '1.0', 'more compressed instructions', { ...MAX, ...implied('zca') }),
  row('zcd', '1.0', 'compressed loads and stores of doubles', implied('zca', 'd')),
  row('zcf', '1.0', 'compressed loads and stores of floats, on RV32', {
    ...implied('zca', 'f'),
    xlen: 32,
  }),
  row('zcmp', '1.0', 'pushes and pops, in the place of Zcd', { ...implied('zca'), excludes: 'zcd' }),
  row('zcmop', '1.0', 'compressed operations that may come to mean something', {
    ...MAX,
    ...implied('zca'),
  }),
  row('zba', '1.0', 'address generation', RV64),
  row('zbb', '1.0', 'basic bit manipulation', RV64),
  row('zbc', '1.0', 'multiplication without carries', { ...RV64, ...implied('zbkc') }),
  row('zbkb', '1.0', 'bit manipulation for cryptography', MAX),
  row('zbkc', '1.0', 'multiplication without carries for cryptography'),
  row('zbkx', '1.0', 'permutations of bytes and nibbles', MAX),
  row('zbs', '1.0', 'single-bit instructions', RV64),
  row('zk', '1.0', 'all of scalar cryptography', {
    ...MAX,
    ...implied('zkn', 'zkr', 'zkt'),
  }),
  row('zkn', '1.0', 'the algorithms of NIST', {
    ...MAX,
    ...implied('zbkb', 'zbkc', 'zbkx', 'zkne', 'zknd', 'zknh'),
  }),
  row('zknd', '1.0', 'AES decryption', MAX),
  row('zkne', '1.0', 'AES encryption', MAX),
  row('zknh', '1.0', 'SHA-2', MAX),
  row('zkr', '1.0', 'entropy source', MAX),
  row('zkt', '1.0', 'time that does not depend on data', MAX),
  row('sdtrig', '1.0', 'triggers: breakpoints that guests set', RV64),
  row('sstc', '1.0', "the supervisor's own timer", { ...RV64, ...implied('s') }),
  row('sv57', '1.12', 'page tables of five levels', { ...RV64, ...implied('s'), xlen: 64 }),
  row('svinval', '1.0', 'finer fences of address translation', { ...MAX, ...implied('s') }),
  row('svnapot', '1.0', 'pages of 64 KiB', { ...MAX, ...implied('s'), xlen: 64 }),
  row('svpbmt', '1.0', 'types of memory in page tables', { ...MAX, ...implied('s'), xlen: 64 }),
];

const ROWS: ReadonlyMap<string, Extension> = new Map(EXTENSIONS.map(one => [one.name, one]));
const PLACES: ReadonlyMap<string, number> = new Map(EXTENSIONS.map(({ name }, place) => [name, place]));

export const extensionNamed = (name: string): Extension | undefined => ROWS.get(name);

export const byPlace = (a: string, b: string): number => PLACES.get(a)! - PLACES.get(b)!;

/** What follows from an extension beside these others. */
const impliedBy = (name: string, others: ReadonlySet<string>, xlen: 32 | 64): readonly string[] =>
  (ROWS.get(name)?.implies ?? []).flatMap(other => {
    if (typeof other === 'string') return [other];
    return others.has(other.with) && (other.xlen ?? xlen) === xlen ? [other.name] : [];
  });

/** These and all that they imply. */
export function withImplied(names: Iterable<string>, xlen: 32 | 64): ReadonlySet<string> {
  const found = new Set(names);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const name of [...found]) for (const other of impliedBy(name, found, xlen)) found.add(other);
  }
  return found;
}

/**
 * Names, and with them all that they imply, without this one: what implies it goes too, but for its other parts, and
 * so does what only it implied.
 */
export function withoutOne(names: readonly string[], name: string, xlen: 32 | 64): readonly string[] {
  const all = withImplied(names, xlen);
  const left = new Set(all);
  left.delete(name);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const one of [...left])
      if (impliedBy(one, left, xlen).some(other => !left.has(other))) left.delete(one);
  }
  const gone = [...all].filter(one => one !== name && !left.has(one));
  const parts = gone.flatMap(one => impliedBy(one, all, xlen));
  return [...names, ...parts].filter(one => left.has(one));
}

/** Two of these that exclude each other. */
export function conflictIn(names: ReadonlySet<string>): readonly [string, string] | undefined {
  for (const { name, excludes } of EXTENSIONS)
    if (excludes !== undefined && names.has(name) && names.has(excludes)) return [name, excludes];
  return undefined;
}

/** Those that this CPU has by itself. */
export const standardFor = (model: 'rv64' | 'max', width: 32 | 64): string[] =>
  EXTENSIONS.filter(({ xlen = width }) => xlen === width)
    .filter(({ since }) => since === 'every' || since === 'rv64' || since === model)
    .map(({ name }) => name);
