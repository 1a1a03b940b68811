// Generators are TypeScript, shared with the tests: they are bundled, two folders below the root as test/ has them.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { root } from '../setup.mjs';

/** Imports a module of test/, by its path there without `.ts`. */
export async function fromTests(path) {
  const folder = join(root, 'node_modules/.fuzz');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${path.replaceAll('/', '-')}-${process.pid}.mjs`);
  const bundle = await rolldown({
    input: join(root, 'test', `${path}.ts`),
    platform: 'node',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    external: [/^vitest/, '@lydell/node-pty'],
    logLevel: 'silent',
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(file);
  }
}
