// `npm run test:mutants -- [ROOM...] [--count N] [--seed N] [--workers N] [--minutes N]`: puts small faults into the sources,
// one at a time, and counts how many of them the tests of their room notice. Not Stryker: its sandbox needs TypeScript's
// JavaScript API, which version 7 has no more, and it cannot take a sample that a seed decides.
import { fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOMS } from './mutants/rooms.mjs';
import { filesUnder, interval, mutantsOfRoom, sampleOf } from './mutants/sample.mjs';
import { ensureModules, fail, root } from './setup.mjs';

/** A mutant that takes so much longer than the tests do by themselves has hung them: it is noticed. */
const PATIENCE = { factor: 4, ms: 60_000 };

const TRIED_BETWEEN_CONTROLS = 20;
/** What killed a mutant is a test file, or one of a few words. */
const isTest = failing => failing.endsWith('.test.ts');

ensureModules();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: `${availableParallelism()}` },
    minutes: { type: 'string', default: '120' },
    list: { type: 'boolean', default: false },
  },
});
const unknown = positionals.filter(name => ROOMS[name] === undefined);
if (unknown.length > 0) fail(`no room ${unknown.join(', ')}; there are: ${Object.keys(ROOMS).join(', ')}`);
const [count, seed, workers, minutes] = ['count', 'seed', 'workers', 'minutes'].map(name =>
  Number(values[name]),
);
const deadline = Date.now() + minutes * 60_000;

/** One vitest in a process of its own, so that what hangs it can be ended. */
class Runner {
  #process;

  async #start() {
    this.#process = fork(join(root, 'scripts/mutants/worker.mjs'), { stdio: 'ignore', detached: true });
    await this.#answer(PATIENCE.ms);
  }

  #answer(limitMs) {
    return new Promise(settle => {
      const child = this.#process;
      const done = value => {
        clearTimeout(timer);
        child.removeAllListeners();
        settle(value);
      };
      const failed = failing => {
        done({ failing });
        this.end();
      };
      const timer = setTimeout(failed, limitMs, 'time');
      child.once('message', done);
      child.once('exit', () => failed('crash'));
    });
  }

  /** The test file that fails with this mutant, or 'time' or 'crash'; undefined: none. */
  async run(tests, tried, limitMs) {
    if (this.#process === undefined) await this.#start();
    this.#process.send({ tests, tried });
    return (await this.#answer(limitMs)).failing;
  }

  /** With all the processes that it has started. */
  end() {
    if (this.#process === undefined) return;
    try {
      process.kill(-this.#process.pid, 'SIGKILL');
    } catch {}
    this.#process = undefined;
  }
}

const cacheFile = join(root, 'node_modules/.cache/backstub-mutants.json');
const cache = existsSync(cacheFile) ? JSON.parse(readFileSync(cacheFile, 'utf8')) : {};
const keep = () => {
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
  writeFileSync(cacheFile, JSON.stringify(cache));
};

/** Why a mutant may live: by file, the line's text and the change. */
const reasons = JSON.parse(readFileSync(join(root, 'test/mutants/survivors.json'), 'utf8'));
const reasonOf = ({ file, at, from, text }) =>
  reasons.find(one => one.file === file && one.line === at && one.from === from && one.to === text)?.reason;

/** The room's tests, the quick ones first; all of them must pass as the sources are. */
async function orderedTests(runner, tests) {
  const timed = [];
  for (const test of filesUnder(tests, '.test.ts')) {
    const from = Date.now();
    const failing = await runner.run([test], undefined, 600_000);
    if (failing !== undefined) fail(`${test} fails without a mutant (${failing})`);
    timed.push({ test, ms: Date.now() - from });
  }
  return timed.sort((a, b) => a.ms - b.ms);
}

async function tryRoom(name, runners) {
  const room = ROOMS[name];
  const all = mutantsOfRoom(room);
  const sample = sampleOf(all, count, seed);
  const waiting = sample.filter(({ key }) => cache[key] === undefined);
  if (waiting.length > 0 && Date.now() < deadline) {
    const timed = await orderedTests(runners[0], room.tests);
    const tests = timed.map(({ test }) => test);
    const limitMs = PATIENCE.ms + PATIENCE.factor * timed.reduce((sum, { ms }) => sum + ms, 0);
    console.log(`${name}: ${waiting.length} mutants to try with ${tests.length} test files`);
    const work = async runner => {
      let tried = 0;
      for (let one = waiting.shift(); one !== undefined && Date.now() < deadline; one = waiting.shift()) {
        const failing = await runner.run(tests, one, limitMs);
        // What a mutant leaves behind would kill all that follow.
        if (failing !== undefined && tried++ % TRIED_BETWEEN_CONTROLS === 0) {
          const control = await runner.run([failing].filter(isTest), undefined, limitMs);
          if (control !== undefined) fail(`${control} fails without a mutant, after ${one.file}:${one.line}`);
        }
        cache[one.key] = failing ?? 'lives';
        keep();
        if (values.list)
          console.log(`${failing ?? 'LIVES'}  ${one.file}:${one.line}  ${one.from} -> ${one.text}`);
      }
    };
    await Promise.all(runners.map(work));
  }
  report(name, all.length, sample);
}

function report(name, total, sample) {
  const tried = sample.filter(({ key }) => cache[key] !== undefined);
  const living = tried.filter(({ key }) => cache[key] === 'lives');
  const excused = living.filter(one => reasonOf(one) !== undefined);
  const counted = tried.length - excused.length;
  const killed = tried.length - living.length;
  const percent = share => `${(100 * share).toFixed(1)} %`;
  const [low, high] = interval(killed, counted);
  console.log(
    `${name}: ${killed} of ${counted} killed, ${percent(counted === 0 ? 0 : killed / counted)} ` +
      `(95 %: ${percent(low)} to ${percent(high)}); ${excused.length} more live for a reason; ` +
      `${tried.length} tried of ${total}, seed ${seed}`,
  );
  for (const one of living.sort((a, b) =>
    a.file === b.file ? a.start - b.start : a.file < b.file ? -1 : 1,
  )) {
    const reason = reasonOf(one);
    if (reason === undefined)
      console.log(
        `  lives: ${one.file}:${one.line}: ${one.from || '(nothing)'} -> ${one.text || '(nothing)'}   | ${one.at}`,
      );
  }
}

const runners = Array.from({ length: Math.max(1, workers) }, () => new Runner());
const endAll = () => {
  for (const runner of runners) runner.end();
};
process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
for (const name of positionals.length > 0 ? positionals : Object.keys(ROOMS)) await tryRoom(name, runners);
process.exit(0);
