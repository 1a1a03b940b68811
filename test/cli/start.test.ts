import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Script } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { buildMachine } from '../../src/boards/build-machine.js';
import { type MachineConfig, newSettings } from '../../src/ports/config.js';
import { CPU_NAMES, cpuOf } from '../../src/riscv/cpu-models.js';
import { backstub, REPOSITORY, scratchFolder } from './backstub.js';

const CLI = join(REPOSITORY, 'dist/cli');
const CACHE = `program.${process.version}-${process.arch}.cache`;
const FIRMWARE = join(REPOSITORY, 'fixtures/rv64/compute.elf');

/** What scripts/launcher.cjs makes of the program. */
const wrapped = (program: string) =>
  `(function (exports, require, module, __filename, __dirname) {${program}\n})`;

describe('the built command line', () => {
  test('has a code cache that this Node takes', () => {
    const source = wrapped(readFileSync(join(CLI, 'program.js'), 'latin1'));
    const script = new Script(source, { cachedData: readFileSync(join(CLI, CACHE)) });
    expect(script.cachedDataRejected).toBe(false);
  });

  test('does the same without the cache, and without compiling', async () => {
    const copy = scratchFolder();
    cpSync(CLI, copy, { recursive: true });
    rmSync(join(copy, CACHE));
    const { status, stdout } = spawnSync(process.execPath, [join(copy, 'main.js'), 'run', FIRMWARE], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const usual = await backstub('run', FIRMWARE);
    const interpreted = await backstub('run', FIRMWARE, '--no-jit');
    expect(usual.stdout).not.toBe('');
    expect({ code: status, stdout }).toEqual({ code: usual.code, stdout: usual.stdout });
    expect(interpreted).toEqual(usual);
  });

  test('is a program that starts by its own first line, with the exit code of the guest', async () => {
    const { status, stdout } = spawnSync(join(CLI, 'main.js'), ['run', FIRMWARE], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const usual = await backstub('run', FIRMWARE);
    expect({ code: status, stdout }).toEqual({ code: usual.code, stdout: usual.stdout });
  });
});

describe('an interpreter generated at the build', () => {
  const machine = (config: Partial<MachineConfig>) =>
    buildMachine({ ...USUAL, ...config }, [], { serial: { write() {} } }).board.engine;

  test('serves all machines of its instruction set', () => {
    const { interpreterKey, interpreter } = machine({});
    for (const config of [{ harts: 16 }, { ramBytes: 2 ** 28 }, { disks: [2 ** 14], network: true }]) {
      const other = machine(config);
      expect(other.interpreterKey).toBe(interpreterKey);
      expect(other.interpreter).toEqual(interpreter);
    }
  });

  test.each(CPU_NAMES)('is there for %s, and is what this source generates', name => {
    const { interpreterKey, interpreter } = machine(cpuOf(name, undefined));
    const program = readFileSync(join(CLI, 'program.js'), 'latin1');
    const at = program.indexOf(JSON.stringify(interpreterKey));
    expect(at).toBeGreaterThan(0);
    const file = /file"?: "(interpreter-\w+\.wasm)"/.exec(program.slice(at))?.[1] ?? 'none';
    expect(Buffer.compare(readFileSync(join(CLI, basename(file))), interpreter.bytes)).toBe(0);
  });
});

const USUAL = newSettings({ ...cpuOf('rv64gc', undefined), entry: 0x8000_0000, rtcSeconds: 0 });
