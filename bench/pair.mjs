/**
 * This checkout beside another one, BENCH_BEFORE=FOLDER (built): every load run, recorded and verified, starting up,
 * and going back, in turns; medians and their ratio. Above 1.00 this checkout is slower.
 * BENCH_ROUNDS sets the number of rounds, BENCH_LOADS names loads (separated by commas; "reverse" is going back).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goBackFromEnd, goBackLive } from './support/going-back.mjs';
import { argumentsFor, LOADS } from './support/guest-loads.mjs';
import { BACKSTUB, interleaved, measureProcess, median } from './support/whole-process.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const asked = process.env.BENCH_LOADS?.split(',');
const wanted = name => !asked || asked.includes(name);
const before = process.env.BENCH_BEFORE;
if (before === undefined || !existsSync(join(before, BACKSTUB))) {
  console.log('bench pair: skipped: BENCH_BEFORE names no built checkout to compare with');
  process.exit(0);
}
const programs = { before: join(before, BACKSTUB), now: BACKSTUB };
const folder = mkdtempSync(join(tmpdir(), 'backstub-bench-'));

/** Each of `measures(program, name)` for both checkouts, and what `print` makes of the times. */
async function compare(load, measures) {
  const contenders = {};
  for (const [what, measure] of Object.entries(measures))
    for (const [name, program] of Object.entries(programs))
      contenders[`${what} ${name}`] = () => measure(program, name);
  const results = await interleaved(contenders, load, undefined, ROUNDS);
  for (const what of Object.keys(measures))
    row(`${load}: ${what}`, ...['before', 'now'].map(name => results[`${what} ${name}`].map(({ ms }) => ms)));
}

function row(what, then, now) {
  const [a, b] = [median(then), median(now)];
  const columns = [
    a.toFixed(3),
    b.toFixed(3),
    (b / a).toFixed(3),
    (Math.min(...now) / Math.min(...then)).toFixed(3),
  ];
  console.log(what.padEnd(52) + columns.map(text => text.padStart(11)).join(''));
}

const record = (times, what, ms) => {
  times[what] = [...(times[what] ?? []), ms];
};

console.log(`${`milliseconds, median of ${ROUNDS}`.padEnd(52)}     before        now      ratio  of bests`);
try {
  if (wanted('start'))
    await compare('start', { '--version': program => measureProcess([program, ['--version']]) });
  for (const [name, load] of Object.entries(LOADS)) {
    if (!wanted(name) || !existsSync(load.file)) continue;
    const file = which => join(folder, `${which}.bst`);
    await compare(name, {
      run: program => measureProcess([program, argumentsFor('run', load)]),
      record: (program, which) => {
        rmSync(file(which), { force: true });
        return measureProcess([program, argumentsFor('record', load, '-o', file(which))]);
      },
      verify: (program, which) => measureProcess([program, ['verify', file(which)]]),
    });
  }
  for (const [kind, goBack] of Object.entries({ live: goBackLive, '--at end': goBackFromEnd })) {
    if (!wanted('reverse')) break;
    const times = { before: {}, now: {} };
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, program] of Object.entries(programs))
        for (const [what, ms] of Object.entries(await goBack(program))) record(times[name], what, ms);
    for (const [what, now] of Object.entries(times.now))
      row(`reverse, ${kind}: ${what}`, times.before[what], now);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
