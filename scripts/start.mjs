// `npm start [-- options of backstub serve]`: sets up what is missing, then serves the demo firmware.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureModules, fail, root } from './setup.mjs';

const DEMO = 'fixtures/rv64/demo.elf';

ensureModules();
ensureBuild();
if (!existsSync(join(root, DEMO))) fail(`${DEMO} is missing; build it with node scripts/build-fixtures.mjs`);

const extra = process.argv.slice(2);
const server = spawn(process.execPath, ['--v8-pool-size=1', 'dist/cli/main.js', 'serve', DEMO, ...extra], {
  cwd: root,
  stdio: ['inherit', 'inherit', 'pipe'],
});

let gdbLineShown = false;
server.stderr.setEncoding('utf8');
server.stderr.on('data', text => {
  process.stderr.write(text);
  const address = /gdb server on (\S+)/.exec(text)?.[1];
  if (!address || gdbLineShown) return;
  gdbLineShown = true;
  process.stderr.write(
    `\nIn another terminal:\n\n  gdb-multiarch ${DEMO} -ex 'target remote ${address}'\n\n`,
  );
});

// The server shuts down in order; this script waits for it and passes on how it ended.
// Ctrl-C reaches the whole process group of a terminal, so it is not passed on a second time.
process.on('SIGINT', () => process.stdin.isTTY || server.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal));
// A signal that ended npm alone does not come here: without npm there is nobody to stop the server.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && server.kill('SIGTERM'), 500).unref();
server.on('error', error => fail(`cannot run node: ${error.message}`));
server.on('close', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
