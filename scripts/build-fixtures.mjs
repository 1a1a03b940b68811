#!/usr/bin/env node
// Builds fixtures/rv32/*.elf and fixtures/rv64/*.elf from fixtures/src.
// Needs Debian's gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf; the results are committed,
// so that tests and the demo need no compiler. Usage: node scripts/build-fixtures.mjs [NAME...]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const PREFIX = 'riscv64-unknown-elf-';
const PICOLIBC = '/usr/lib/picolibc/riscv64-unknown-elf/lib';

const TARGETS = {
  rv32: { arch: 'rv32imac', abi: 'ilp32', flags: [] },
  rv64: { arch: 'rv64imac', abi: 'lp64', flags: ['-mcmodel=medany'] },
};

/** A load of the benches. */
function load(kind, rounds) {
  return {
    source: 'bench',
    optimise: '-O2',
    defines: [`KIND=${kind}`, `ROUNDS=${rounds}`],
    targets: ['rv64'],
  };
}

const DEVICES = {
  optimise: '-O2',
  start: 'devices/start.S',
  parts: ['devices/virtio', 'devices/network'],
};

/**
 * What each firmware is compiled with, its source where that is not NAME.c, further parts of it, and what stands in for
 * the board's start.
 */
const FIRMWARE = {
  demo: { optimise: '-Og' },
  ticks: { optimise: '-Og' },
  echo: { optimise: '-Og' },
  traps: { optimise: '-Og' },
  semihosting: { optimise: '-Og' },
  devices: DEVICES,
  net: { optimise: '-O2', parts: ['net/virtio_net', 'net/ip'] },
  kernel: {
    optimise: '-Og',
    start: 'kernel/entry.S',
    parts: ['kernel/paging', 'kernel/disk', 'kernel/user'],
    targets: ['rv64'],
  },
  compute: { optimise: '-O2', defines: ['ITERATIONS=45'] },
  'compute-long': { source: 'compute', optimise: '-O2', defines: ['ITERATIONS=2250'] },
  'bench-branches': load('BRANCHES', 20_000_000),
  'bench-memory': load('MEMORY', 8),
  'bench-float': load('FLOAT', 20_000_000),
  'bench-ticks': load('TICKS', 20_000_000),
  'bench-calls': load('CALLS', 1_000_000),
  'bench-devices': {
    ...DEVICES,
    source: 'devices',
    defines: ['TICKS=20000', 'UDP_PORT=27007'],
    targets: ['rv64'],
  },
  'bench-harts': { ...load('BRANCHES', 10_000_000), start: 'bench/harts.S' },
};

const BOARD_START = 'fixtures/src/board/start.S';
const board = readdirSync(join(root, 'fixtures/src/board'))
  .filter(name => /\.[cS]$/.test(name))
  .map(name => `fixtures/src/board/${name}`);

const run = (tool, args) =>
  execFileSync(PREFIX + tool, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

/**
 * The C library without its line tables, so that `step` passes over it, but with `.debug_frame`,
 * without which gdb cannot find a caller from the end of a library function.
 */
function libraryWithFramesOnly(target, scratch) {
  const { arch, abi } = TARGETS[target];
  const library = join(scratch, 'libc.a');
  const drop = ['info', 'abbrev', 'loclists', 'aranges', 'rnglists', 'line', 'str', 'line_str'];
  run('objcopy', [
    ...drop.flatMap(name => ['-R', `.debug_${name}`, '-R', `.rela.debug_${name}`]),
    join(PICOLIBC, arch, abi, 'libc.a'),
    library,
  ]);
  return library;
}

function build(target, name, library, scratch) {
  const { arch, abi, flags } = TARGETS[target];
  const { source = name, optimise, defines = [], parts = [], start = 'board/start.S' } = FIRMWARE[name];
  const out = `fixtures/${target}/${name}.elf`;
  mkdirSync(join(root, 'fixtures', target), { recursive: true });
  const machine = [
    '--specs=picolibc.specs',
    '-DPICOLIBC_INTEGER_PRINTF_SCANF',
    `-march=${arch}`,
    // ISA spec 2.2 counts the CSR instructions and fence.i as part of the base, which is how the library was built.
    '-misa-spec=2.2',
    `-mabi=${abi}`,
    ...flags,
  ];
  const compile = [
    ...machine,
    '-std=gnu11',
    '-Wall',
    '-Wextra',
    '-Werror',
    optimise,
    '-g3',
    '-ffunction-sections',
    '-fdata-sections',
    '-fno-asynchronous-unwind-tables',
    `-ffile-prefix-map=${root}=.`,
    // The one above does not reach the assembler.
    `-fdebug-prefix-map=${root}=.`,
    ...defines.map(define => `-D${define}`),
  ];
  // One object after the other, with fixed names: a temporary's name would end up in the symbol table.
  const sources = [source, ...parts].map(part => `fixtures/src/${part}.c`);
  const support = board.map(file => (file === BOARD_START ? `fixtures/src/${start}` : file));
  const objects = [...support, ...sources].map(file => {
    const object = join(scratch, `${basename(file).replace(/\.[cS]$/, '')}.o`);
    run('gcc', [...compile, '-c', file, '-o', object]);
    return object;
  });
  run('gcc', [
    ...machine,
    '-nostartfiles',
    '-nodefaultlibs',
    '-T',
    'fixtures/src/board/virt.ld',
    '-Wl,--gc-sections',
    '-Wl,--build-id=none',
    '-Wl,--no-warn-rwx-segments',
    ...objects,
    library,
    '-lgcc',
    library,
    '-o',
    out,
  ]);
  console.log(`${out}: ${(statSync(join(root, out)).size / 1024).toFixed(0)} KiB`);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !(name in FIRMWARE));
if (unknown.length > 0) {
  console.error(
    `build-fixtures: no firmware ${unknown.join(', ')}; there are ${Object.keys(FIRMWARE).join(', ')}`,
  );
  process.exit(2);
}
if (!existsSync(PICOLIBC)) {
  console.error(
    'build-fixtures: picolibc is missing: apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf',
  );
  process.exit(2);
}
for (const target of Object.keys(TARGETS)) {
  const scratch = mkdtempSync(join(tmpdir(), 'backstub-fixtures-'));
  try {
    const library = libraryWithFramesOnly(target, scratch);
    for (const name of wanted.length > 0 ? wanted : Object.keys(FIRMWARE))
      if (FIRMWARE[name].targets?.includes(target) ?? true) build(target, name, library, scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
