/** What going back costs a client of the stub: each figure in milliseconds, by its name. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GdbClient } from './gdb-client.mjs';
import { median } from './whole-process.mjs';

export const ELF = process.env.BENCH_ELF ?? 'fixtures/rv64/compute-long.elf';
export const SHIFT = 3;
/** `main` of the ELF: a place that is reached once, near the beginning. */
export const symbol = name => {
  const list = spawnSync('riscv64-unknown-elf-nm', [ELF], { encoding: 'utf8' }).stdout ?? '';
  return new RegExp(`^0*([0-9a-f]+) T ${name}$`, 'm').exec(list)?.[1];
};
export const PORTS = { ours: 29_871, qemu: 29_872, replay: 29_873 };

export async function measure(client, { steps, toEnd }) {
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

/** A live session, gone to its end and back, with the command line `program`. */
export async function goBackLive(program) {
  const server = spawn(
    program,
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
export async function goBackFromEnd(program) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-reverse-'));
  const file = join(folder, 'run.bst');
  const quiet = ['--serial', 'null'];
  spawnSync(program, ['record', ELF, '-o', file, '--icount', `shift=${SHIFT}`, ...quiet]);
  const server = spawn(
    program,
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
