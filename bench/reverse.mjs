/**
 * Going back: our stub and QEMU's record/replay on the same ELF, with the same packets.
 * Prints milliseconds. QEMU's figures are of one try each: some take many seconds.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GdbClient } from './support/gdb-client.mjs';
import { BACKSTUB } from './support/whole-process.mjs';

const ELF = process.env.BENCH_ELF ?? 'fixtures/rv64/compute-long.elf';
const SHIFT = 3;
/** `main` of the ELF: a place that is reached once, near the beginning. */
const symbol = name => {
  const list = spawnSync('riscv64-unknown-elf-nm', [ELF], { encoding: 'utf8' }).stdout ?? '';
  return new RegExp(`^0*([0-9a-f]+) T ${name}$`, 'm').exec(list)?.[1];
};
const PORTS = { ours: 29_871, qemu: 29_872, replay: 29_873 };
const median = values => [...values].sort((a, b) => a - b)[values.length >> 1];

async function measure(client, { steps, toEnd }) {
  const results = {};
  await client.request('qSupported:xmlRegisters=riscv;swbreak+');
  await client.request('?');
  results['run to the end'] = await toEnd();
  results['first bs at the end'] = (await client.timed('bs')).ms;
  const following = [];
  for (let i = 0; i < steps; i++) following.push((await client.timed('bs')).ms);
  results[`bs, median of ${steps}`] = median(following);
  const main = symbol('main');
  if (main !== undefined) {
    await client.request(`Z0,${main},2`);
    results['bc to a breakpoint near the beginning'] = (await client.timed('bc')).ms;
    await client.request(`z0,${main},2`);
  }
  return results;
}

async function ours() {
  const server = spawn(
    BACKSTUB,
    ['serve', ELF, '--gdb', `127.0.0.1:${PORTS.ours}`, '--serial', 'null', '--icount', `shift=${SHIFT}`],
    { stdio: 'ignore' },
  );
  try {
    const client = await GdbClient.connect(PORTS.ours);
    const results = await measure(client, {
      steps: 1000,
      toEnd: async () => (await client.timed('c')).ms,
    });
    await monitor(client, 'goto end');
    await client.request('Z0,80700000,4');
    results['bc to a page never executed'] = (await client.timed('bc')).ms;
    await client.request('z0,80700000,4');
    await measureMiddle(client, results);
    client.close();
    return results;
  } finally {
    server.kill();
  }
}

/** The same moments in a recording that is opened at its end: nothing was gone through with a debugger there. */
async function oursAtEnd() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-reverse-'));
  const file = join(folder, 'run.bst');
  const quiet = ['--serial', 'null'];
  spawnSync(BACKSTUB, ['record', ELF, '-o', file, '--icount', `shift=${SHIFT}`, ...quiet]);
  const server = spawn(
    BACKSTUB,
    ['replay', file, '--at', 'end', '--gdb', `127.0.0.1:${PORTS.replay}`, ...quiet],
    { stdio: 'ignore' },
  );
  try {
    const client = await GdbClient.connect(PORTS.replay);
    // It listens at once: until the end is reached, the first answers wait.
    const start = performance.now();
    const results = await measure(client, { steps: 1000, toEnd: async () => performance.now() - start });
    await measureMiddle(client, results);
    client.close();
    return results;
  } finally {
    server.kill();
    rmSync(folder, { recursive: true });
  }
}

async function measureMiddle(client, results) {
  const end = Number(/\.\.(\d+)/.exec(await monitor(client, 'info replay'))[1]);
  for (const percent of [50, 10]) {
    const moment = Math.floor((end * percent) / 100);
    const start = performance.now();
    await monitor(client, `goto ${moment}`);
    results[`goto ${percent} %`] = performance.now() - start;
    results[`first bs at ${percent} %`] = (await client.timed('bs')).ms;
  }
}

/** Runs a monitor command and returns its text. */
async function monitor(client, command) {
  client.console = '';
  await client.request(`qRcmd,${Buffer.from(command).toString('hex')}`);
  return client.console;
}

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
const left = await ours();
const atEnd = await oursAtEnd();
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
