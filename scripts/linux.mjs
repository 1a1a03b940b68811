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
const VARIANTS = {
  up: fragment => fragment,
  smp: fragment =>
    fragment.replace('# CONFIG_SMP is not set', 'CONFIG_SMP=y\nCONFIG_NR_CPUS=8\nCONFIG_HOTPLUG_CPU=y'),
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
  }
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
