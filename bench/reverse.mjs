/**
 * Going back: our stub and QEMU's record/replay on the same ELF, with the same packets.
 * Prints milliseconds. QEMU's figures are of one try each: some take many seconds.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GdbClient } from './support/gdb-client.mjs';
import { ELF, goBackFromEnd, goBackLive, measure, PORTS, SHIFT, symbol } from './support/going-back.mjs';
import { BACKSTUB } from './support/whole-process.mjs';

async function qemu() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-reverse-'));
  const log = join(folder, 'log');
  const disk = join(folder, 'snapshots.qcow2');
  const base = [
    '-M',
    'virt',
    '-bios',
    'none',
    '-kernel',
    ELF,
    '-display',
    'none',
    '-serial',
    'null',
    '-monitor',
    'none',
  ];
  spawnSync('qemu-img', ['create', '-f', 'qcow2', disk, '256M']);
  const drive = ['-drive', `file=${disk},if=none,id=snapshots`];
  const rr = mode => ['-icount', `shift=${SHIFT},rr=${mode},rrfile=${log},rrsnapshot=init`];
  spawnSync('qemu-system-riscv64', [...base, ...drive, ...rr('record')]);
  const server = spawn(
    'qemu-system-riscv64',
    [...base, ...drive, ...rr('replay'), '-S', '-gdb', `tcp:127.0.0.1:${PORTS.qemu}`],
    { stdio: 'ignore' },
  );
  try {
    const client = await GdbClient.connect(PORTS.qemu);
    // QEMU ends at the guest's power-off: stop at the last function instead.
    const exit = symbol('board_exit');
    const results = await measure(client, {
      steps: 3,
      toEnd: async () => {
        await client.request(`Z0,${exit},2`);
        const { ms } = await client.timed('c');
        await client.request(`z0,${exit},2`);
        return ms;
      },
    });
    client.close();
    return results;
  } finally {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

const haveQemu = ['qemu-system-riscv64', 'qemu-img'].every(
  tool => spawnSync(tool, ['--version']).status === 0,
);
if (!haveQemu)
  console.log(
    'QEMU is left out: qemu-system-riscv64 and qemu-img (Debian: qemu-system-misc, qemu-utils) are needed',
  );
const left = await goBackLive(BACKSTUB);
const atEnd = await goBackFromEnd(BACKSTUB);
const right = haveQemu ? await qemu() : {};
console.log(`going back, ${ELF}, shift=${SHIFT}: milliseconds`);
console.log(
  'what'.padEnd(42),
  'backstub'.padStart(10),
  '--at end'.padStart(10),
  'QEMU rr'.padStart(10),
  'ratio'.padStart(8),
);
for (const [what, ms] of Object.entries(left)) {
  const peer =
    right[what] ??
    Object.entries(right).find(
      ([name]) => what.startsWith('bs, median') && name.startsWith('bs, median'),
    )?.[1];
  const ratio = peer === undefined ? '' : (ms / peer).toFixed(4);
  console.log(
    what.padEnd(42),
    ms.toFixed(3).padStart(10),
    (atEnd[what]?.toFixed(3) ?? '-').padStart(10),
    (peer?.toFixed(1) ?? '-').padStart(10),
    ratio.padStart(8),
  );
}
