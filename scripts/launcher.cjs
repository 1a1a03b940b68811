#!/usr/bin/env node
// What dist/cli/main.js is: starts program.js, with V8's code cache of it when this Node made one at the build.
'use strict';
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const COMPILER_NICENESS = 5;

// V8 compiles on threads of its own, four unless told otherwise: where there are fewer cores they take turns with the
// machine. One is enough (the build asks for it in the first line where it can); else they are to wait.
if (process.platform === 'linux' && !process.execArgv.some(flag => flag.startsWith('--v8-pool-size'))) {
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      if (Number(thread) !== process.pid) require('node:os').setPriority(Number(thread), COMPILER_NICENESS);
    }
  } catch {
    // It is not allowed, or a thread has ended: then it takes a little longer.
  }
}

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
