// `node scripts/qemu-10.mjs`: puts QEMU 10 of Debian's bookworm-backports into ~/.cache/backstub/qemu-10, beside whatever QEMU
// is installed and touching nothing else: tests compare with it what QEMU 7.2 does not know.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const target = join(homedir(), '.cache/backstub/qemu-10');
const work = mkdtempSync(join(tmpdir(), 'backstub-qemu-10-'));
const run = (command, ...args) =>
  execFileSync(command, args, { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
try {
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(work, folder), { recursive: true });
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const source = `deb [signed-by=${keys}] http://deb.debian.org/debian bookworm-backports main\n`;
  writeFileSync(join(work, 'sources.list'), source);
  const options = [
    `Dir::Etc::sourcelist=${join(work, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::Cache=${join(work, 'cache')}`,
  ].flatMap(option => ['-o', option]);
  run('apt-get', ...options, 'update');
  run('apt-get', ...options, 'download', 'qemu-system-riscv', 'qemu-system-common', 'qemu-system-data');
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(work)) if (file.endsWith('.deb')) run('dpkg', '-x', file, target);
  console.log(`QEMU 10 is in ${target}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
