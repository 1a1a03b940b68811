import { ensureModules, moduleFile, run } from './setup.mjs';

ensureModules();
const style = run(process.execPath, [moduleFile('@biomejs/biome/bin/biome'), 'check', '.']);
const types = run(process.execPath, [moduleFile('typescript/bin/tsc'), '--noEmit']);
process.exit(style || types);
