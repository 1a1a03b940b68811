/** How long a process runs from its start to its end, and how much memory it had at most. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { GdbClient } from './gdb-client.mjs';

const LONGEST_MS = 120_000;
const SAMPLE_MS = 20;
const GDB_PORT = 29_873;

export const median = values => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Most memory that a process had resident, as Linux tells it while the process is there. */
function peakRssMb(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

/** Clock ticks of Linux's process times, in a second. */
const TICKS = 100;

/** User and system time so far of a process and its threads, in ms; undefined once it is gone. */
function cpuMs(pid) {
  try {
    // Behind the name, which may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
  } catch {
    return undefined;
  }
}

/** Runs to the end: `{ ms, cpuMs, rssMb, stdout }`, with `failure` when it did not end well. */
export function measureProcess([program, args]) {
  return new Promise(resolve => {
    const start = performance.now();
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_MS });
    let [stdout, stderr, rssMb, cpu] = ['', '', undefined, undefined];
    const sampler = setInterval(() => {
      rssMb = peakRssMb(child.pid) || rssMb;
      cpu = cpuMs(child.pid) ?? cpu;
    }, SAMPLE_MS);
    child.stdout.on('data', data => {
      stdout += data;
    });
    child.stderr.on('data', data => {
      stderr += data;
    });
    const done = failure => {
      clearInterval(sampler);
      resolve({ ms: performance.now() - start, cpuMs: cpu, rssMb, stdout, failure });
    };
    child.on('error', error => done(error.message));
    child.on('close', (code, signal) => {
      const last = stderr.trim().split('\n').at(-1);
      done(code === 0 ? undefined : `ended with ${signal ?? code}: ${last}`);
    });
  });
}

/** The command as users start it: by its first line. */
export const BACKSTUB = 'dist/cli/main.js';

/** From the start of the process to the stop at the recording's end, with a breakpoint on the way that is never hit. */
export async function replayWithGdb(recording) {
  const start = performance.now();
  const args = ['replay', recording, '--gdb', `127.0.0.1:${GDB_PORT}`, '--serial', 'null'];
  const child = spawn(BACKSTUB, args, { stdio: 'ignore' });
  try {
    const client = await GdbClient.connect(GDB_PORT, 2000, 5);
    await client.request('qSupported:xmlRegisters=riscv;swbreak+');
    await client.request('?');
    // In RAM, but not where code runs.
    const set = await client.request('Z0,87fffff0,2');
    const reply = await client.request('c');
    const ms = performance.now() - start;
    const rssMb = peakRssMb(child.pid);
    client.close();
    return { ms, rssMb, failure: set === 'OK' && /^[TSW]/.test(reply) ? undefined : `${set} ${reply}` };
  } finally {
    child.kill();
    await new Promise(resolve => child.on('close', resolve));
  }
}

/** Measures each contender on a load, one after the other, `rounds` times; what failed is said and left out. */
export async function interleaved(contenders, name, load, rounds) {
  const results = Object.fromEntries(Object.keys(contenders).map(contender => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [contender, measure] of Object.entries(contenders)) {
      const result = await measure(load);
      if (result.failure === undefined) results[contender].push(result);
      else console.error(`${contender} on ${name}: ${result.failure}`);
    }
  }
  return results;
}
