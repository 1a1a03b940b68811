// `npm run bench [-- NAME...]`: builds, then runs bench/NAME.mjs, by default every one, against dist/.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureModules, fail, root, run } from './setup.mjs';

ensureModules();
ensureBuild();

const folder = join(root, 'bench');
const known = existsSync(folder)
  ? readdirSync(folder)
      .filter(name => name.endsWith('.mjs'))
      .map(name => name.slice(0, -4))
      .sort()
  : [];
const asked = process.argv.slice(2);
const unknown = asked.filter(name => !known.includes(name));
if (unknown.length) fail(`no benchmark ${unknown.join(', ')}; there are: ${known.join(', ') || 'none'}`);

let status = 0;
for (const name of asked.length ? asked : known)
  status ||= run(process.execPath, [join(folder, `${name}.mjs`)]);
process.exit(status);
