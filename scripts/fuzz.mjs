// `npm run fuzz -- packets|recordings|guests [--seed N] [--seeds N] [--count N] [--limit-ms N] [--end-ms N]`: what is random
// is decided by the seed alone, so a failure is had again by its seed. A kind is scripts/fuzz/KIND.mjs, which exports
// `fuzz({ seed, count })`: it throws an Error that says what went wrong, or returns what was done, in words.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuild, ensureModules, fail, root } from './setup.mjs';

const folder = join(root, 'scripts/fuzz');
const kinds = readdirSync(folder)
  .filter(name => existsSync(join(folder, name)) && /^(packets|recordings|guests)\.mjs$/.test(name))
  .map(name => name.slice(0, -4));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    'limit-ms': { type: 'string' },
    'end-ms': { type: 'string' },
  },
});
const [kind] = positionals;
if (positionals.length !== 1 || !kinds.includes(kind))
  fail(`what to fuzz is needed, one of: ${kinds.join(', ')}`);
const [seed, seeds, count, limitMs, endMs] = ['seed', 'seeds', 'count', 'limit-ms', 'end-ms'].map(name => {
  if (values[name] === undefined) return undefined;
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 0)
    fail(`--${name} needs a whole number, not ${values[name]}`);
  return number;
});

ensureModules();
ensureBuild();
const { fuzz } = await import(`./fuzz/${kind}.mjs`);
for (let one = seed; one < seed + seeds; one++) {
  const from = Date.now();
  try {
    const done = await fuzz({ seed: one, count, limitMs, endMs });
    console.log(`${kind}, seed ${one}: ${count} in ${((Date.now() - from) / 1000).toFixed(1)} s, ${done}`);
  } catch (error) {
    console.error(`${kind}, seed ${one}: ${error.message}`);
    console.error(`again: npm run fuzz -- ${kind} --seed ${one} --count ${count}`);
    process.exit(1);
  }
}
