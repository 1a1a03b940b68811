import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeRecording } from '../../src/replay/recording-writer.js';
import { printable } from '../../src/state/printable.js';
import { HEADER } from '../replay/recordings.js';
import { MemoryFile } from '../support/sessions.js';
import { backstub, scratchFolder } from './backstub.js';

const ESC = '\u001b';
/** Sets the terminal's title, in the old and the new way to say it; hides text; turns the reading direction. */
const HOSTILE = [
  `${ESC}]0;owned\u0007`,
  '\u009d0;owned\u009c',
  'a\rb\nend  power-off',
  'x\u202eexe.\u2066y',
  '\u007f\u200b',
];

describe('text from a file shows what steers a terminal and does not do it', () => {
  test.each(HOSTILE)('%j', text => {
    const shown = printable(text);
    expect(shown).toMatch(/^[ -~]*$/);
    expect(JSON.parse(`"${shown}"`)).toBe(text);
  });

  test('other text of any language stays', () => {
    const text = 'Größe 10 µs, "日本語", עברית, 👩 ok';
    expect(printable(text)).toBe(text);
  });

  test('half a surrogate pair is shown, a whole one stays', () => {
    expect(printable('\ud83d 😀')).toBe('\\ud83d 😀');
  });
});

/** A recording whose every text is hostile. */
function hostileRecording(folder: string): string {
  const text = HOSTILE.join('');
  const file = new MemoryFile();
  writeRecording(file, {
    header: {
      config: { ...HEADER.config, append: text },
      images: [{ name: text, address: 0x8000_0000, bytes: new Uint8Array(8) }],
      writtenBy: text,
    },
    events: [{ icount: 1, event: { kind: 'console', port: 0, bytes: new TextEncoder().encode(text) } }],
    checkpoints: [],
    end: { kind: 'stopped', icount: 10, reason: text },
  });
  const path = join(folder, 'hostile.bst');
  writeFileSync(path, file.bytes);
  return path;
}

test.each([['info'], ['events'], ['events', '--json']])(
  '%s of a hostile recording prints plain lines',
  async (...command) => {
    const { stdout, stderr, code } = await backstub(...command, hostileRecording(scratchFolder()));
    expect(code).toBe(0);
    expect(`${stdout}${stderr}`).toMatch(/^[\t\n -~]*$/);
    expect(stdout.split('\n').filter(line => line.startsWith('end  power-off'))).toEqual([]);
  },
);

test('an error about a file with a hostile name is one plain line', async () => {
  const { stderr, code } = await backstub('info', join(scratchFolder(), `no\u202esuch${ESC}[2J\nfile`));
  expect(code).toBe(2);
  expect(stderr).toMatch(/^backstub: error: [ -~]*\n$/);
});
