// `code-cache.mjs FOLDER`: runs commands of FOLDER/program.js as FOLDER/main.js would, one after the other in this
// process, and writes V8's code cache with the functions that they used. The next start of this Node reads it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import v8 from 'node:v8';
import { Script } from 'node:vm';
import { root } from './setup.mjs';

const folder = resolve(process.argv[2]);
const scratch = mkdtempSync(join(tmpdir(), 'backstub-code-cache-'));
const recording = join(scratch, 'run.bst');
const firmware = name => join(root, 'fixtures', name);
const commands = [
  ['record', firmware('rv64/kernel.elf'), '-o', recording, '--serial', 'null'],
  ['verify', recording],
  ['run', firmware('rv64/compute.elf'), '--serial', `file:${join(scratch, 'serial')}`],
  ['run', firmware('rv32/compute.elf'), '--serial', 'null'],
  ['serve', firmware('rv64/demo.elf'), '--gdb', '127.0.0.1:0', '--serial', 'null'],
];

const file = join(folder, 'program.js');
const main = join(folder, 'main.js');
const parameters = 'exports, require, module, __filename, __dirname';
const source = `(function (${parameters}) {${readFileSync(file, 'latin1')}\n})`;
// Its name stays in the cache, and FOLDER is not yet where it is going to be.
const script = new Script(source, { filename: join(root, 'dist/cli/program.js') });
// What ran in the first command is to be there after the last. V8 refuses a cache made under other flags than the
// reader's, so this one does not stay.
v8.setFlagsFromString('--no-flush-bytecode');

const { exit } = process;
let failed = false;
process.exit = () => {};
process.stdout.write = () => true;
process.stderr.write = text => {
  const port = /gdb server on \S+:(\d+)/.exec(text)?.[1];
  if (port) debugOnce(Number(port));
  failed ||= text.includes('error:');
  if (failed) console.log(text);
  return true;
};

process.on('beforeExit', next);
next();

/** Runs the next command; Node calls it again when that has left nothing to wait for. */
function next() {
  const command = commands.shift();
  if (command === undefined) {
    v8.setFlagsFromString('--flush-bytecode');
    const name = `program.${process.version}-${process.arch}.cache`;
    writeFileSync(join(folder, name), script.createCachedData());
    rmSync(scratch, { recursive: true });
    process.off('beforeExit', next);
    exit(failed ? 1 : 0);
  }
  process.argv = [process.execPath, main, ...command];
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(main), module, file, folder);
}

/** What gdb does first, a step, and a step back; then the server is told to end. */
function debugOnce(port) {
  const socket = connect(port, '127.0.0.1');
  const packets = ['qSupported', '?', 'g', 'm80000000,4', 'vCont;s:p1.1', 'bs', 'D'];
  const send = () => {
    const packet = packets.shift();
    if (packet === undefined) {
      socket.destroy();
      process.kill(process.pid, 'SIGTERM');
      return;
    }
    const sum = [...packet].reduce((total, char) => total + char.charCodeAt(0), 0) & 0xff;
    socket.write(`$${packet}#${sum.toString(16).padStart(2, '0')}`);
  };
  socket.on('connect', send);
  socket.on('data', bytes => {
    const text = bytes.toString('latin1');
    if (!text.includes('#')) return;
    socket.write('+');
    send();
  });
}
