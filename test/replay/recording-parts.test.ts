import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FORMAT_VERSION } from '../../src/replay/format.js';
import type { Recording } from '../../src/replay/recording.js';
import { importParts } from '../../src/replay/recording-parts.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { LogWriter, writeRecording } from '../../src/replay/recording-writer.js';
import { InputError } from '../../src/state/input-error.js';
import { actions, checkpointAt, HEADER, MemorySink, partsInMemory, plain, typed } from './recordings.js';

const bytesOf = (recording: Recording): Uint8Array => {
  const sink = new MemorySink();
  writeRecording(sink, recording);
  return sink.bytes;
};

const partsOf = (recording: Recording) => partsInMemory(recording);

function read(parts: ReadonlyMap<string, Uint8Array>): Recording {
  return importParts(path => {
    const bytes = parts.get(path);
    if (bytes === undefined) throw new InputError(`no ${path}`);
    return bytes;
  });
}

describe('the parts of a recording', () => {
  test('make the same recording again', () => {
    fc.assert(
      fc.property(actions, fc.constantFrom('power-off', 'stopped', 'cut'), (all, kind) => {
        const sink = new MemorySink();
        const writer = new LogWriter(sink, { ...HEADER, layouts: { hart0: '0123abcd', ram0: '00000000' } });
        let icount = 0;
        for (const action of all) {
          icount += action.gap;
          if (action.do === 'event') writer.event({ icount, event: action.event });
          else if (action.do === 'checkpoint') writer.checkpoint({ icount, ...action.checkpoint });
          else if (action.do === 'progress') writer.progress(icount);
          else writer.flush();
        }
        if (kind === 'power-off') writer.end({ kind, icount: icount + 5, code: 3 });
        else if (kind === 'stopped') writer.end({ kind, icount: icount + 5, reason: 'a "reason"\n' });
        else writer.end({ kind: 'cut', icount });
        const recording = readRecording(sink.bytes);
        const again = read(partsOf(recording));
        expect(plain(again)).toEqual(plain(recording));
        expect(bytesOf(again)).toEqual(bytesOf(recording));
      }),
    );
  });

  test('are files that people can read', () => {
    const parts = partsOf({
      header: HEADER,
      events: [typed(1000, 'ls\r')],
      checkpoints: [checkpointAt(2000, 1, 4)],
      end: { kind: 'power-off', icount: 3000, code: 0 },
    });
    const text = (path: string) => new TextDecoder().decode(parts.get(path));
    expect([...parts.keys()]).toEqual([
      'recording.json',
      'config.json',
      'images/00-firmware.elf-0x80000000.bin',
      'images/01-empty-0x90000000.bin',
      'images/02-device-tree-0x87000000.bin',
      'events.jsonl',
      'checkpoints.jsonl',
    ]);
    expect(JSON.parse(text('config.json'))).toEqual(HEADER.config);
    expect(text('events.jsonl')).toBe('{"icount":1000,"kind":"console","port":0,"bytes":"6c730d"}\n');
    expect(JSON.parse(text('recording.json'))).toMatchObject({
      format: FORMAT_VERSION,
      end: { kind: 'power-off', icount: 3000, code: 0 },
      images: [{ name: 'firmware.elf', address: '0x80000000' }, {}, {}],
    });
  });

  const GOOD: Recording = {
    header: HEADER,
    events: [typed(1000, 'l'), typed(1000, 's')],
    checkpoints: [checkpointAt(2000, 1), checkpointAt(2500, 2)],
    end: { kind: 'stopped', icount: 3000, reason: 'test' },
  };

  test.each<[string, (text: string) => string, string]>([
    ['recording.json', () => '{', 'recording.json: not JSON'],
    ['recording.json', () => '[]', 'recording.json: not a JSON object'],
    [
      'recording.json',
      s => s.replace('"format": 3', '"format": 7'),
      'recording.json: "format" is 7, but must be 1 to 3',
    ],
    [
      'recording.json',
      s => s.replace('images/01-empty-0x90000000.bin', '../../secret'),
      'recording.json: image 1: "file" must be a text like "images/00-demo.elf.bin"',
    ],
    ['recording.json', s => s.replace('"stopped"', '"exploded"'), 'recording.json: "end" must have'],
    ['recording.json', s => s.replace('"0x90000000"', '9'), 'image 1: "address" must be a text'],
    [
      'recording.json',
      s => s.replace('"images"', '"layouts": {"hart0": "x"}, "images"'),
      'the layout of hart0 must be 8 hexadecimal digits',
    ],
    ['config.json', s => s.replace('"harts": 1', '"harts": 99'), 'config.json: it has no valid "harts": 99'],
    ['config.json', s => s.replace('"harts"', '"hats"'), 'config.json: it has no valid "harts": undefined'],
    ['events.jsonl', s => `${s}\nnonsense`, 'events.jsonl:4: not JSON'],
    [
      'events.jsonl',
      s => s.replace('"console"', '"telepathy"'),
      'events.jsonl:1: not an event of kind "telepathy"',
    ],
    ['events.jsonl', s => s.replace('"console"', '"constructor"'), 'events.jsonl:1: not an event of kind'],
    ['events.jsonl', s => s.replace('"6c"', '"6"'), 'events.jsonl:1: not an event of kind "console"'],
    ['events.jsonl', s => s.replace('"port":0,', ''), 'events.jsonl:1: not an event of kind "console"'],
    ['events.jsonl', s => s.replace('"port":0,', '"port":0,"x":1,'), 'events.jsonl:1: not an event of kind'],
    ['events.jsonl', s => s.replace('1000', '-1'), 'events.jsonl:1: -1 is no icount'],
    ['events.jsonl', s => s.replace('1000', '2000'), 'events.jsonl:2: icount 1000 comes after icount 2000'],
    [
      'events.jsonl',
      s => s.replace(/1000(?!.*1000)/, '9999'),
      'is behind the end in recording.json, icount 3000',
    ],
    [
      'checkpoints.jsonl',
      s => s.replace('2500', '1999'),
      'checkpoints.jsonl:2: icount 1999 comes after icount 2000',
    ],
    [
      'checkpoints.jsonl',
      s => s.replace(/"hart0":"./, '"hart0":"x'),
      'the digest of hart0 must be 16 hexadecimal',
    ],
    [
      'checkpoints.jsonl',
      s => s.replace(/"state":".*"/, '"state":"0"'),
      'checkpoints.jsonl:1: "state" must be',
    ],
  ])('%s with something wrong in it: one line', (path, spoil, message) => {
    const parts = partsOf(GOOD);
    const before = new TextDecoder().decode(parts.get(path));
    const spoilt = spoil(before);
    expect(spoilt).not.toBe(before);
    parts.set(path, new TextEncoder().encode(spoilt));
    let said = '';
    try {
      read(parts);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      said = error.message;
    }
    expect(said).toContain(message);
    expect(said).toMatch(new RegExp(`^${path}[^\\n]+$`));
  });
});
