/** What a room of src/ may import: the one definition of the layout's import direction. */
export interface Room {
  /** Folder or file under src/; the longest match of a path is its room. */
  readonly path: string;
  /** Rooms it may import; `*` is every room. */
  readonly rooms: readonly string[];
  /** Packages and `node:` modules it may import; `node:*` is every module of Node. */
  readonly packages: readonly string[];
}

const room = (path: string, rooms: readonly string[], packages: readonly string[] = []): Room => ({
  path,
  rooms,
  packages: ['debug', ...packages],
});

/** Imported by every room, and importing nothing: how to tell of bad input, and how to show text from outside. */
export const ROOMS: readonly Room[] = [
  room('cli', ['*'], ['node:*', 'commander']),
  room(
    'api',
    ['assembly', 'agent', 'timeline', 'machine', 'ports', 'replay', 'snapshot', 'host', 'state'],
    ['vitest'],
  ),
  room('assembly', [
    'state',
    'agent',
    'timeline',
    'boards',
    'images',
    'machine',
    'ports',
    'replay',
    'snapshot',
    'host',
    'riscv',
  ]),
  room('gdb/transport', [], ['node:net', 'node:stream']),
  room('gdb/rsp', []),
  // node:buffer: its search is a function of its operands, and twenty times as fast as one in TypeScript.
  room('gdb/stub', ['gdb/rsp', 'agent', 'timeline', 'ports'], ['node:buffer']),
  room('gdb/server', ['gdb/transport', 'gdb/rsp', 'gdb/stub', 'timeline']),
  room('agent', ['gdb/rsp', 'timeline', 'machine']),
  room('timeline', ['boards', 'machine', 'ports', 'images', 'replay', 'snapshot', 'state']),
  // node:zlib is a function of its operands.
  room('replay', ['state', 'ports'], ['binary-parser', 'node:zlib']),
  room('snapshot', ['state', 'memory', 'wasm']),
  room('boards', [
    'semihosting',
    'machine',
    'ports',
    'riscv',
    'engine',
    'devices',
    'images',
    'memory',
    'state',
  ]),
  room('riscv', ['machine', 'engine', 'images', 'state', 'memory']),
  room('semihosting', ['machine', 'ports', 'state']),
  room('machine', ['ports', 'engine', 'memory', 'state']),
  room('images', [], ['binary-parser']),
  room('devices', ['state', 'ports']),
  room('engine', ['wasm', 'state', 'memory', 'ports']),
  room('wasm', []),
  room('memory', ['state']),
  room('state', []),
  room('state/input-error', []),
  room('state/printable', []),
  room('ports', []),
  room('host', ['ports'], ['node:*', '@lydell/node-pty']),
];

export const IMPORTED_BY_ALL: readonly string[] = ['state/input-error', 'state/invariant', 'state/printable'];

/** Rooms that may reach the host: its time, randomness, event loop and process. */
export const HOST_ROOMS: readonly string[] = ['cli', 'gdb/transport', 'host'];

/** The room that opens files of the host: what may be opened, and how, is decided there. */
export const FILE_ROOM = 'host/files';

/** Files elsewhere that open something: path under src/ -> reason. */
export const FILE_EXCEPTIONS: Readonly<Record<string, string>> = {
  'host/console/pty.ts': 'the other end of a terminal that it has made itself',
  'host/console/hang-up.ts': '/dev/null, in the place of a terminal that is gone',
};

/** Options that only tests set: path under src/ -> option -> reason. */
export const OPTION_EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'ports/device.ts': { notReplayable: 'what devices that are added may say: none of these is one' },
  'riscv/extensions.ts': { excludes: 'of two that cannot be together, the rows are yet to come' },
};

/** Globals that make a run depend on the host. */
export const HOST_GLOBALS: readonly string[] = [
  'Date',
  'performance',
  'process',
  'Buffer',
  'crypto',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
];

/** Rooms on the hot path, where a bigint costs an allocation for each operation. */
export const BIGINT_FREE_ROOMS: readonly string[] = ['engine', 'memory', 'devices', 'state'];

/** Files of a hot room that use bigint off the hot path: path under src/ -> reason. */
export const BIGINT_EXCEPTIONS: Readonly<Record<string, string>> = {};

/** Files outside cli/ that have options of their own: path under src/ -> reason. */
export const FLAG_EXCEPTIONS: Readonly<Record<string, string>> = {
  'gdb/stub/monitor-questions.ts': 'options of monitor commands',
};

/** Rooms that run, keep, show and search any machine: none may know what only one instruction set has. */
export const ROOMS_OF_ANY_MACHINE: readonly string[] = [
  'engine',
  'machine',
  'semihosting',
  'memory',
  'state',
  'snapshot',
  'replay',
  'timeline',
  'agent',
  'gdb/rsp',
  'gdb/stub',
  'gdb/server',
  'gdb/transport',
  'images',
  'host',
];

/** Words of instruction sets, as they stand by themselves or in a longer name. */
export const INSTRUCTION_SET_WORDS =
  /^(riscv|rv(32|64)\w*|xlen|[ms](status|epc|cause|tval|tvec|ie|ip|scratch|ret)|m[ei]deleg|mhartid|satp|csrs?|fcsr|fflags|frm|sv(32|39|48)|pmp\w*|wfi|e(call|break)|sfence|x([12]?\d|3[01])|ra|gp|tp|amos?|lr|mpp|mprv|armv\d\w*|thumb|cpsr|xpsr|primask|basepri|nvic)$/i;

/** Words that a file may have: path under src/ -> word -> reason. */
export const INSTRUCTION_SET_EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {};

export const MAX_LINES = 400;
/** Columns of a comment's line: the formatter breaks code only. */
export const MAX_COLUMNS = 120;

/** Files that are longer: path under src/ -> reason. */
export const LONG_FILES: Readonly<Record<string, string>> = {};

export const MAX_FUNCTION_LINES = 80;
