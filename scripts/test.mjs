// `npm test [-- vitest arguments]`: sets up what is missing, builds, runs the tests, counts them in the last line.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureLinux } from './linux.mjs';
import { ensureBuild, ensureDebianPackages, ensureModules, moduleFile, run } from './setup.mjs';

const args = process.argv.slice(2);
const full = args[0] === '--full';
if (full) args.shift();

ensureModules();
ensureDebianPackages();
ensureBuild();
if (full) ensureLinux();

const folder = mkdtempSync(join(tmpdir(), 'backstub-test-'));
const report = join(folder, 'report.json');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const env = { ...process.env, ...(full ? { BACKSTUB_FULL: '1' } : {}) };
const status = run(process.execPath, [moduleFile('vitest/vitest.mjs'), 'run', ...reporters, ...args], {
  env,
});

let summary = 'no test report was written';
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  const files = result.testResults.filter(
    file => file.status === 'failed' && file.assertionResults.length === 0,
  );
  // A file that does not load has no tests to count: it is one failure.
  const failed = result.numFailedTests + files.length;
  summary = `${result.numPassedTests} passed, ${failed} failed, ${result.numPendingTests + result.numTodoTests} skipped`;
} catch {}
rmSync(folder, { recursive: true, force: true });
console.log(summary);
process.exit(status);
