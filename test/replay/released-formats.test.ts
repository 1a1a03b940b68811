import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { momentOf } from '../../src/assembly/session.js';
import { MACHINE_REVISION } from '../../src/ports/revisions.js';
import { FORMAT_VERSION, OLDEST_VERSION, OPTIONAL_CHUNKS } from '../../src/replay/format.js';
import { headerJson, parseHeaderJson } from '../../src/replay/recording-header.js';
import { importParts } from '../../src/replay/recording-parts.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { writeRecording } from '../../src/replay/recording-writer.js';
import { stateLayouts, unlikeLayouts } from '../../src/replay/state-layouts.js';
import { MemoryFile, REPOSITORY, replay } from '../support/sessions.js';
import { virt } from '../support/virt.js';
import { CONFIG, HEADER, partsInMemory } from './recordings.js';

const FOLDER = join(REPOSITORY, 'fixtures/recordings');
/** One of each version with inputs of every kind; the others show one thing each. */
const [files, others] = [/^v\d+\.bst$/, /^v\d+-.*\.bst$/].map(name =>
  readdirSync(FOLDER)
    .filter(file => name.test(file))
    .sort(),
);
const read = (file: string) =>
  readRecording(new Uint8Array(readFileSync(join(FOLDER, file))), { name: file });

describe('recordings of released formats', () => {
  test('there is one of each version that is read', () => {
    const versions = Array.from(
      { length: FORMAT_VERSION - OLDEST_VERSION + 1 },
      (_, i) => OLDEST_VERSION + i,
    );
    expect(files).toEqual(versions.map(version => `v${version}.bst`));
    for (const file of [...files, ...others]) {
      const version = readFileSync(join(FOLDER, file)).readUInt32LE(8);
      expect(file).toMatch(new RegExp(`^v${version}(-.*)?\\.bst$`));
    }
  });

  test.each(files)('%s has inputs of every kind that its version has', file => {
    const { events, checkpoints, end } = read(file);
    expect([...new Set([...events].map(({ event }) => event.kind))].sort()).toEqual([
      ...['audio-in', 'block', 'console', 'entropy', 'input', 'network', 'reset', 'shutdown', 'warp'],
      ...['write-memory', 'write-register'],
    ]);
    expect(end.kind).toBe('power-off');
    expect(checkpoints.length).toBeGreaterThan(4);
    expect(checkpoints.at(-1)?.icount).toBe(end.icount);
  });

  test('v2 starts with a machine at work: a request to its disk in flight, what it wrote to it, more to come', () => {
    const { header, end } = read('v2.bst');
    expect(header.start).toMatchObject({ icount: expect.any(Number), snapshot: 'started' });
    expect(header.start?.icount).toBeGreaterThan(400_000);
    expect(new Set([...header.start!.pages].map(({ area }) => area))).toEqual(new Set(['ram', 'disks']));
    const { machine } = replay(read('v2.bst')).session;
    expect(machine.awaitsHost).toBe(true);
    expect(machine.board.time.nextDeadline()).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(end.icount).toBeGreaterThan(header.start!.icount + 1_000_000);
  });

  test('v3 carries chunks that need not be known', () => {
    const text = (content: Uint8Array) => new TextDecoder().decode(content);
    const { extras = [] } = read('v3.bst');
    expect(extras.map(({ type, content }) => [type, text(content)])).toEqual([
      [OPTIONAL_CHUNKS.symbols, '\u0001not read yet'],
      [62, '\u0001of moments, not known yet'],
    ]);
  });

  test('v3-signal ends by SIGTERM and goes on, live, from there', async () => {
    const recording = read('v3-signal.bst');
    expect(recording.end).toEqual({ kind: 'signal', icount: 100_000, signal: 15 });
    const { session } = replay(recording);
    expect((await session.verify()).end).toEqual(recording.end);
    session.close();
    expect(await momentOf(recording, 'end', {})).toMatchObject({ icount: 100_000 });
  });

  test('v3-trap-loop ends in one, and says which', () => {
    expect(read('v3-trap-loop.bst').end).toMatchObject({
      kind: 'trap-loop',
      reason: expect.stringMatching(/^hart 0 traps for ever at 0x0 since icount 8: illegal instruction/),
    });
  });

  test.each(files)('%s replays to its end, every digest the same', async file => {
    const recording = read(file);
    const { session, console } = replay(recording);
    const verified = await session.verify();
    expect(verified).toMatchObject({ icount: recording.end.icount, end: recording.end });
    expect(verified.checkpoints).toBe(recording.checkpoints.length);
    // Memory is compared whatever became of the declarations.
    expect(verified.notCompared).not.toContain('ram');
    if (recording.header.config.disks.length > 0) expect(console.text).toContain('devices: all started');
    session.close();
  });
});

test.each(files)('%s is made again from its parts, disks and all', file => {
  const recording = read(file);
  const parts = partsInMemory(recording);
  const again = importParts(path => parts.get(path) ?? new Uint8Array(0));
  const [before, after] = [recording, again].map(each => {
    const written = new MemoryFile();
    writeRecording(written, each);
    return written.bytes;
  });
  expect(Buffer.compare(after, before)).toBe(0);
  expect(recording.header.images.some(({ disk }) => disk !== undefined)).toBe(true);
});

describe('a recording that is older than', () => {
  test('a setting means what its absence meant', () => {
    const { machineRevision: _0, rtcSeconds: _1, virtio: _2, disks: _3, network: _4, ...old } = CONFIG;
    const json = headerJson({ ...HEADER, config: old as typeof CONFIG });
    expect(parseHeaderJson(json).config).toEqual({
      ...old,
      machineRevision: 1,
      rtcSeconds: 1_704_067_200,
      virtio: 'legacy',
      disks: [],
      network: false,
    });
    const { harts: _, ...broken } = old;
    expect(() => parseHeaderJson(headerJson({ ...HEADER, config: broken as typeof CONFIG }))).toThrow(
      'its header has no valid "harts": undefined',
    );
  });

  test('this machine replays on one of its own revision; a newer machine is refused', () => {
    expect(read('v2.bst').header.config.machineRevision).toBe(1);
    expect(virt(replay(read('v2.bst')).session.machine).board.behaviour).toEqual({
      reservation: 'value',
      interruptPending: 'level',
      debuggerCsrWrite: 'executed',
    });
    const newer = { ...HEADER, config: { ...CONFIG, machineRevision: MACHINE_REVISION + 1 } };
    expect(() => parseHeaderJson(headerJson(newer))).toThrow(
      'it is of machine revision 3, but this backstub has revisions 1 to 2: use the backstub that wrote it',
    );
  });

  test('the declaration of a component replays without comparing that one, and still finds other faults', async () => {
    const recording = read('v1.bst');
    const { plan } = replay(recording).session.machine.board;
    const layouts = { ...stateLayouts(plan), retired: '12345678' };
    const [component] = plan.components.filter(({ name }) => name.includes('uart'));
    const older = { ...layouts, [component.name]: '00000000' };
    const checkpoints = [...recording.checkpoints].map(checkpoint => ({
      icount: checkpoint.icount,
      digests: { ...checkpoint.digests, [component.name]: 'ffffffffffffffff', retired: '0'.repeat(16) },
      state: new Uint8Array(3),
    }));
    const aged = { ...recording, header: { ...recording.header, layouts: older }, checkpoints };
    const verified = await replay(aged).session.verify();
    expect(verified.notCompared).toEqual(expect.arrayContaining([component.name, 'retired']));
    const last = checkpoints.at(-1)!;
    const wrong = { ...last, digests: { ...last.digests, ram: 'ffffffffffffffff' } };
    const faulty = { ...aged, checkpoints: checkpoints.with(-1, wrong) };
    await expect(replay(faulty).session.verify()).rejects.toThrow(/in ram\n/);
  });

  test('layouts itself is compared in full', () => {
    expect(unlikeLayouts(undefined, { hart0: '00000000' })).toEqual([]);
    expect(unlikeLayouts({ hart0: '00000000', a: '1' }, { hart0: '00000001', b: '1' })).toEqual([
      'hart0',
      'a',
      'b',
    ]);
  });
});
