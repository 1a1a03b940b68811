// The Linux kernels that test/guests boots: built once for each state of their sources, into ~/.cache/backstub.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './setup.mjs';

const TARBALL = '/usr/src/linux-source-6.1.tar.xz';
const KEPT = ['Image', 'vmlinux', 'init', 'config'];
/** Our own: drivers for all devices of the board, and an init that uses them. */
const OWN = join(root, 'test/guests/linux');
const VARIANTS = {
  up: fragment => fragment,
  smp: fragment =>
    fragment.replace('# CONFIG_SMP is not set', 'CONFIG_SMP=y\nCONFIG_NR_CPUS=8\nCONFIG_HOTPLUG_CPU=y'),
  devices: fragment =>
    fragment.replace(
      '# CONFIG_SMP is not set',
      readFileSync(join(OWN, 'devices.config-fragment'), 'utf8').trimEnd(),
    ),
};

/** Builds what is missing; says in one line why it cannot. Minutes the first time, nothing afterwards. */
export function ensureLinux() {
  const folder = process.env.BACKSTUB_GUESTS ?? join(root, '../shared/guests');
  const recipe = ['build-linux.sh', 'linux.config-fragment', 'init.c'].map(name => join(folder, name));
  const missing = [...recipe, TARBALL].find(path => !existsSync(path));
  if (missing !== undefined) {
    console.error(`backstub: no Linux is built for test/guests: ${missing} is missing`);
    return;
  }
  const { size, mtimeMs } = statSync(TARBALL);
  for (const [variant, change] of Object.entries(VARIANTS)) {
    const fragment = change(readFileSync(recipe[1], 'utf8'));
    const hash = createHash('sha256').update(`${size} ${mtimeMs} ${fragment}`);
    for (const path of [recipe[0], recipe[2]]) hash.update(readFileSync(path));
    const target = join(homedir(), `.cache/backstub/linux-${variant}-${hash.digest('hex').slice(0, 16)}`);
    if (!existsSync(target)) build(recipe[0], fragment, target);
    if (variant === 'devices' && existsSync(target)) buildInitrd(target);
  }
}

/**
 * The init of the devices test, as an initial RAM disk beside its kernel: it takes a second, so it is always made
 * anew.
 */
function buildInitrd(target) {
  const init = join(target, 'devices-init');
  const { status } = spawnSync(
    'riscv64-linux-gnu-gcc',
    ['-static', '-O2', '-Wall', '-Wextra', '-o', init, join(OWN, 'devices-init.c')],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (status !== 0) {
    console.error('backstub: the init of the devices test could not be compiled: that test is skipped');
    return;
  }
  writeFileSync(join(target, 'initrd'), cpioArchive([{ name: 'init', bytes: readFileSync(init) }]));
}

/** Programs in an archive as the kernel unpacks it (its Documentation/driver-api/early-userspace/buffer-format.rst). */
function cpioArchive(programs) {
  const padded = bytes => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  const entry = (name, mode, bytes, inode) => {
    const text = Buffer.from(`${name}\0`);
    const numbers = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, text.length, 0];
    const header = `070701${numbers.map(number => number.toString(16).padStart(8, '0')).join('')}`;
    return Buffer.concat([padded(Buffer.concat([Buffer.from(header), text])), padded(bytes)]);
  };
  const entries = programs.map(({ name, bytes }, i) => entry(name, 0o100755, bytes, i + 1));
  return Buffer.concat([...entries, entry('TRAILER!!!', 0, Buffer.alloc(0), 0)]);
}

function build(script, fragment, target) {
  const work = `${target}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'fragment'), fragment);
  console.error(`backstub: building Linux for tests into ${target} (some minutes, once)`);
  const { status } = spawnSync('sh', [script, join(work, 'out')], {
    env: { ...process.env, CONFIG_FRAGMENT: join(work, 'fragment') },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status === 0) {
    mkdirSync(join(work, 'kept'));
    for (const name of KEPT) copyFileSync(join(work, 'out', name), join(work, 'kept', name));
    renameSync(join(work, 'kept'), target);
  } else {
    console.error(
      'backstub: Linux could not be built (the messages are above): tests that need it are skipped',
    );
  }
  rmSync(work, { recursive: true, force: true });
}
