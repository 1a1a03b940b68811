// A process that tries one mutant after the other in one vitest: node scripts/mutants/worker.mjs, told by messages.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createVitest } from 'vitest/node';
import { root } from '../setup.mjs';

/** The mutant that the sources are read with; undefined: as they are. */
let mutant;

const vitest = await createVitest(
  'test',
  {
    root,
    watch: false,
    bail: 1,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    reporters: [{}],
    testTimeout: 60_000,
    env: { BACKSTUB_CHECK: '1', BACKSTUB_SEARCH_WORKERS: '0' },
  },
  {
    plugins: [
      {
        name: 'mutant',
        enforce: 'pre',
        load(id) {
          if (mutant === undefined || id !== join(root, mutant.file)) return null;
          const source = readFileSync(id, 'utf8');
          return source.slice(0, mutant.start) + mutant.text + source.slice(mutant.end);
        },
      },
    ],
  },
);
await vitest.standalone();

/** Runs test files, one after the other, until one fails: which, or undefined. */
async function firstFailing(tests) {
  for (const test of tests) {
    // `bail` counts the failures of all runs: those of the mutants before are no reason to skip this one's tests.
    vitest.state.filesMap.clear();
    vitest.state.idMap.clear();
    vitest.state.errorsSet.clear();
    const specifications = await vitest.globTestSpecifications([test]);
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications, false);
    if (testModules.length === 0) throw new Error(`no tests in ${test}`);
    if (unhandledErrors.length > 0 || testModules.some(module => !module.ok())) return test;
  }
  return undefined;
}

process.on('message', async ({ tests, tried }) => {
  mutant = tried;
  if (tried !== undefined) vitest.invalidateFile(join(root, tried.file));
  const failing = await firstFailing(tests).catch(error => `${error}`);
  if (tried !== undefined) vitest.invalidateFile(join(root, tried.file));
  mutant = undefined;
  process.send({ failing });
});
process.send({ ready: true });
