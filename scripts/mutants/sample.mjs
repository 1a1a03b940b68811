// Which mutants of a room are tried: a sample that its seed alone decides, and what it says of all.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../random.mjs';
import { root } from '../setup.mjs';
import { mutantsOf } from './operators.mjs';

/** Files under these paths that end so, relative to the repository. */
export function filesUnder(paths, ending) {
  const found = [];
  for (const path of paths) {
    const full = join(root, path);
    if (statSync(full).isFile()) found.push(path);
    else for (const name of readdirSync(full).sort()) found.push(...filesUnder([join(path, name)], ending));
  }
  return found.filter(path => path.endsWith(ending));
}

const hashOf = (...texts) => createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 24);

/** Every mutant of a room, with the key that its result is kept under: what it is, and what was to notice it. */
export function mutantsOfRoom({ files, except, tests }) {
  const inside = (path, folder) => path === folder || path.startsWith(`${folder}/`);
  const sources = filesUnder(files, '.ts').filter(path => !except.some(one => inside(path, one)));
  const testsHash = hashOf(...filesUnder(tests, '.ts').map(path => readFileSync(join(root, path), 'utf8')));
  return sources.flatMap(file => {
    const source = readFileSync(join(root, file), 'utf8');
    const sourceHash = hashOf(source, testsHash);
    return mutantsOf(source).map(mutant => {
      const line = source.slice(0, mutant.start).split('\n').length;
      const from = source.slice(mutant.start, mutant.end);
      const at = source.split('\n')[line - 1].trim();
      const key = hashOf(sourceHash, `${mutant.start} ${mutant.end} ${mutant.text}`);
      return { ...mutant, file, line, at, from, key };
    });
  });
}

export function sampleOf(all, count, seed) {
  const random = new Random(seed);
  const mixed = [...all];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  return mixed.slice(0, count);
}

/** Wilson's interval, 95 %, for the share of all when `hits` of a sample of `count` were. */
export function interval(hits, count) {
  if (count === 0) return [0, 1];
  const z = 1.96;
  const share = hits / count;
  const spread = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  const centre = share + z ** 2 / (2 * count);
  const scale = 1 + z ** 2 / count;
  return [(centre - spread) / scale, (centre + spread) / scale];
}
