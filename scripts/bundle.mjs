// `bundle.mjs DIST`: puts what Node starts, the command line and a search thread, into one file each, with all it
// imports: Node then opens one file instead of two hundred. For the command line it also keeps V8's code cache, made
// after commands have run once, so that a start compiles nothing (launcher.cjs loads both).
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { isForPackage } from './setup.mjs';

const dist = resolve(process.argv[2]);
const beside = name => fileURLToPath(new URL(name, import.meta.url));

/** `debug` looks at the terminal and the environment when it is loaded: only when it is asked for. */
const debugOnDemand = {
  name: 'debug-on-demand',
  resolveId: (id, importer) => (id === 'debug' && importer !== '\0debug' ? '\0debug' : null),
  load: id =>
    id === '\0debug' ? "module.exports = process.env.DEBUG ? require('debug') : () => () => {};" : null,
};

/** Generates the interpreters of the usual machines into `folder`; returns the module that reads them. */
async function prepareInterpreters(folder) {
  const { CPU_NAMES, cpuOf } = await import(join(dist, 'riscv/cpu-models.js'));
  const { buildMachine } = await import(join(dist, 'boards/build-machine.js'));
  const { newSettings } = await import(join(dist, 'ports/config.js'));
  const files = {};
  for (const name of CPU_NAMES) {
    const { xlen, isa } = cpuOf(name);
    // Harts, memory and devices make no difference to interpreters.
    const config = newSettings({ xlen, isa, ramBytes: 2 ** 20, entry: 0 });
    for (const jit of [true, false]) {
      const { engine } = buildMachine(config, [], { serial: { write() {} } }, { jit }).board;
      if (files[engine.interpreterKey] !== undefined) continue;
      const { bytes, systemOperations } = engine.interpreter;
      const file = `interpreter-${name}${jit ? '' : '-no-jit'}.wasm`;
      writeFileSync(join(folder, file), bytes);
      files[engine.interpreterKey] = { file, systemOperations };
    }
  }
  return `import { readFileSync } from 'node:fs';
import { join } from 'node:path';
const FILES = ${JSON.stringify(files)};
export function preparedInterpreter(key) {
  const found = FILES[key];
  if (found === undefined) return undefined;
  const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, found.file)));
  return { bytes, systemOperations: found.systemOperations };
}`;
}

async function bundle(input, output, plugins) {
  const built = await rolldown({
    input,
    platform: 'node',
    logLevel: 'warn',
    // supports-color is in the tree for other packages' sake.
    external: ['@lydell/node-pty', 'supports-color'],
    plugins,
  });
  const options = { codeSplitting: false, comments: false, dynamicImportInCjs: false, ...output };
  return (await built.generate(options)).output[0].code;
}

const cli = join(dist, 'cli');
const prepared = join(dist, 'engine/prepared-interpreters.js');
const interpreters = await prepareInterpreters(dist);
const program = await bundle(join(cli, 'main.js'), { format: 'cjs' }, [
  debugOnDemand,
  { name: 'prepared-interpreters', load: id => (id === prepared ? interpreters : null) },
]);
const thread = join(dist, 'assembly/search-thread.js');
writeFileSync(thread, await bundle(thread, { format: 'esm' }, [debugOnDemand]));

for (const entry of readdirSync(cli)) rmSync(join(cli, entry), { recursive: true });
for (const entry of readdirSync(dist)) {
  if (entry.endsWith('.wasm')) renameSync(join(dist, entry), join(cli, entry));
}
writeFileSync(join(cli, 'package.json'), '{ "type": "commonjs" }\n');
writeFileSync(join(cli, 'program.js'), withLazyModules(program));
const launcher = readFileSync(beside('launcher.cjs'), 'latin1');
writeFileSync(join(cli, 'main.js'), launcher.replace('#!/usr/bin/env node', firstLine()));
const { status } = spawnSync(process.execPath, [beside('code-cache.mjs'), cli], { stdio: 'inherit' });
process.exit(status ?? 1);

/** One compiler thread, by way of an option of `env` that BusyBox and Windows lack: a package does without. */
function firstLine() {
  const here = spawnSync('/usr/bin/env', ['-S', 'true']).status === 0;
  return here && !isForPackage ? '#!/usr/bin/env -S node --v8-pool-size=1' : '#!/usr/bin/env node';
}

/**
 * Most commands need few of Node's modules, and these are not loaded before the program: each waits for its first
 * use.
 */
function withLazyModules(code) {
  const late = 'child_process|crypto|dgram|dns/promises|fs/promises|net|perf_hooks|worker_threads|zlib';
  const lazy = code.replace(
    new RegExp(
      `\\b(let|const) (\\w+) = (require\\("node:(?:${late})"\\));(?:\\n\\2 = __toESM\\(\\2.*\\);)?`,
      'g',
    ),
    '$1 $2 = lazily(() => $3);',
  );
  return `${lazy.startsWith('#!') ? lazy.slice(lazy.indexOf('\n') + 1) : lazy}
function lazily(load) {
  let loaded;
  const module = () => (loaded ??= load());
  return new Proxy({}, { get: (_, name) => (name === 'default' ? module() : module()[name]) });
}
`;
}
