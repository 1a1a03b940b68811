// `bundle.mjs DIST`: puts what Node starts, the command line and a search thread, into one file each, with all it
// imports: Node then opens one file instead of two hundred. For the command line it also keeps V8's code cache, made
// after commands have run once, so that a start compiles nothing (launcher.cjs loads both).
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const dist = process.argv[2];
const beside = name => fileURLToPath(new URL(name, import.meta.url));

/** Is in the tree for other packages' sake; `debug` would look for it at each start. */
const withoutColors = {
  name: 'without-colors',
  resolveId: id => (id === 'supports-color' ? '\0no-colors' : null),
  load: id => (id === '\0no-colors' ? 'module.exports = undefined;' : null),
};

async function bundle(input, output) {
  const plugins = [withoutColors];
  const built = await rolldown({
    input,
    platform: 'node',
    logLevel: 'warn',
    external: ['@lydell/node-pty'],
    // Its build for Node loads what threads need, which is for its asynchronous functions only.
    resolve: { alias: { fflate: 'fflate/browser' } },
    plugins,
  });
  const options = { codeSplitting: false, comments: false, dynamicImportInCjs: false, ...output };
  return (await built.generate(options)).output[0].code;
}

const thread = join(dist, 'api/search-thread.js');
writeFileSync(thread, await bundle(thread, { format: 'esm' }));

const cli = join(dist, 'cli');
const program = await bundle(join(cli, 'main.js'), { format: 'cjs' });
for (const entry of readdirSync(cli)) rmSync(join(cli, entry), { recursive: true });
writeFileSync(join(cli, 'package.json'), '{ "type": "commonjs" }\n');
writeFileSync(join(cli, 'program.js'), withLazyModules(program));
copyFileSync(beside('launcher.cjs'), join(cli, 'main.js'));
const { status } = spawnSync(process.execPath, [beside('code-cache.mjs'), cli], { stdio: 'inherit' });
process.exit(status ?? 1);

/** Most commands need few of Node's modules, and these are not loaded before the program: each waits for its first use. */
function withLazyModules(code) {
  const late = 'child_process|crypto|dgram|dns/promises|fs/promises|net|perf_hooks|worker_threads|zlib';
  const lazy = code.replace(
    new RegExp(`\\b(let|const) (\\w+) = (require\\("node:(?:${late})"\\));`, 'g'),
    '$1 $2 = lazily(() => $3);',
  );
  return `${lazy.startsWith('#!') ? lazy.slice(lazy.indexOf('\n') + 1) : lazy}
function lazily(load) {
  let loaded;
  return new Proxy({}, { get: (_, name) => (loaded ??= load())[name] });
}
`;
}
