#!/usr/bin/env node
// What dist/cli/main.js is: starts program.js, with V8's code cache of it when this Node made one at the build.
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const file = join(__dirname, 'program.js');
let cachedData;
try {
  cachedData = readFileSync(join(__dirname, `program.${process.version}-${process.arch}.cache`));
} catch {
  // Another Node: V8 compiles the program.
}
const parameters = 'exports, require, module, __filename, __dirname';
// The program is ASCII.
const source = `(function (${parameters}) {${readFileSync(file, 'latin1')}\n})`;
const script = new Script(source, { filename: file, cachedData });
script.runInThisContext()(exports, require, module, file, __dirname);
