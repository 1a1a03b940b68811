// What every script needs first: modules, a build, Debian packages. Plain Node, runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Ends the script with one clear line. */
export function fail(message) {
  console.error(`backstub: error: ${message}`);
  process.exit(2);
}

/** Runs a program with this script's output; returns its exit code. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (result.error) fail(`cannot run ${program}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Path of a program that node_modules brings, run with Node itself. */
export const moduleFile = path => join(root, 'node_modules', path);

/** Installs node_modules when they are not what package-lock.json asks for; otherwise needs no network. */
export function ensureModules() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) fail(`Node.js 20 or newer is needed, this is ${process.version}`);
  if (modulesMatchLock()) return;
  console.error('backstub: installing node modules (npm ci)');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = npm?.endsWith('.js') ? run(process.execPath, [npm, ...args]) : run('npm', args);
  if (status !== 0) fail('npm ci failed (its messages are above); the first run needs the npm registry');
}

/** npm writes this second lock file last, so it also tells an interrupted install from a whole one. */
function modulesMatchLock() {
  const installedLock = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedLock)) return false;
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(installedLock);
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (!found) return entry.optional === true;
    return found.version === entry.version && existsSync(join(root, path));
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/** Compiles src/ to dist/ when dist/ was made from other sources. A failed build leaves the old dist/. */
export function ensureBuild() {
  const stamp = join(root, 'dist/.sources');
  const digest = sourceDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  console.error('backstub: building');
  const fresh = join(root, `dist.${process.pid}`);
  const tsc = moduleFile('typescript/bin/tsc');
  const status = run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh]);
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    fail("the build failed (the compiler's messages are above)");
  }
  if (run(process.execPath, [join(root, 'scripts/bundle.mjs'), fresh]) !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    fail('bundling what Node starts failed (messages are above)');
  }
  chmodSync(join(fresh, 'cli/main.js'), 0o755);
  writeFileSync(join(fresh, '.sources'), digest);
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  renameSync(fresh, join(root, 'dist'));
}

/** Whether what is built goes to other machines. */
export const isForPackage = process.env.npm_lifecycle_event === 'prepack';

const BUNDLERS = ['scripts/bundle.mjs', 'scripts/launcher.cjs', 'scripts/code-cache.mjs'];

function sourceDigest() {
  // V8's code cache is for one version of Node.
  const hash = createHash('sha256').update(`${process.version}${isForPackage ? ' packed' : ''}`);
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', ...BUNDLERS])
    sources.push(join(root, name));
  for (const path of sources) {
    hash.update(`${path.slice(root.length)}\0`);
    hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

/** What the tests compare with and drive: they skip what is missing. */
const DEBIAN_PACKAGES = [
  'gdb-multiarch',
  'qemu-system-misc',
  'gcc-riscv64-unknown-elf',
  'picolibc-riscv64-unknown-elf',
  'device-tree-compiler',
  'opensbi',
  'u-boot-qemu',
];

/** Installs missing Debian packages when that is possible, else names them in one line. */
export function ensureDebianPackages() {
  let missing = missingDebianPackages();
  if (missing.length === 0) return;
  const canInstall = process.getuid?.() === 0 && hasProgram('apt-get');
  if (canInstall) {
    console.error(`backstub: installing Debian packages: ${missing.join(' ')}`);
    if (!aptInstall(missing)) {
      apt(['update']);
      aptInstall(missing);
    }
    missing = missingDebianPackages();
    if (missing.length === 0) return;
  }
  const how = canInstall ? 'apt-get could not install them' : `as root: apt-get install ${missing.join(' ')}`;
  console.error(`backstub: tests that need these Debian packages are skipped: ${missing.join(' ')} (${how})`);
}

function missingDebianPackages() {
  return DEBIAN_PACKAGES.filter(name => {
    const query = spawnSync('dpkg-query', ['-s', name], { encoding: 'utf8' });
    return query.status !== 0 || !query.stdout.includes('Status: install ok installed');
  });
}

function hasProgram(name) {
  return !spawnSync(name, ['--version'], { stdio: 'ignore' }).error;
}

const aptInstall = packages => apt(['install', '-y', '--no-install-recommends', ...packages]);

function apt(args) {
  const patience = ['-q', '-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', [...patience, ...args], { stdio: ['ignore', 2, 2], env }).status === 0;
}
