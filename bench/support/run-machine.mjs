// `node bench/support/run-machine.mjs ELF SHIFT jit|no-jit`: runs firmware to its end in a bare machine of dist/ and
// prints what the engine did as JSON.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { buildMachine } from '../../dist/boards/build-machine.js';
import { loadElf } from '../../dist/boards/virt/loader.js';
import { newSettings } from '../../dist/ports/config.js';

const [, , file, shift, engine] = process.argv;
const bytes = readFileSync(file);
const xlen = bytes[4] === 2 ? 64 : 32;
const ramBytes = 128 << 20;
const { entry, images } = loadElf(basename(file), bytes, { xlen, ramBytes });
const isa = `rv${xlen}imafdcsu_zicsr_zifencei_zba_zbb_zbs`;
const config = newSettings({ xlen, isa, ramBytes, icountShift: Number(shift), entry, rtcSeconds: 0 });
const machine = buildMachine(
  config,
  images,
  { serial: { write() {} } },
  { jit: engine === 'jit', now: () => performance.now() },
);
machine.board.harts[0].state.pc[0] = entry;
const { regions } = machine.board.engine;
const start = performance.now();
machine.run(Number.POSITIVE_INFINITY, { idle: 'jump' });
console.log(
  JSON.stringify({
    icount: machine.icount,
    runMs: performance.now() - start,
    rssMb: process.memoryUsage().rss / 2 ** 20,
    ...regions?.statistics,
  }),
);
