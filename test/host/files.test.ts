import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/host/clock.js';
import { openFileConsole } from '../../src/host/console/outputs.js';
import { HostFiles } from '../../src/host/files/host-files.js';
import { SaveFolder } from '../../src/host/files/save-folder.js';
import { InputError } from '../../src/state/input-error.js';

/** Every file that these tests touch is in a folder of the test's own. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'backstub-files-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const content = (path: string) => readFileSync(path, 'utf8');

function fifo(path: string): string {
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  return path;
}

/** A process that has ended, and one that lives as long as the test. */
function processIds(): { gone: number; alive: number } {
  const gone = spawnSync('true').pid;
  const sleeper = spawn('sleep', ['600']);
  onTestFinished(() => void sleeper.kill());
  return { gone, alive: sleeper.pid ?? 0 };
}

describe('a new file in the place of an older one', () => {
  test('is under its name once it is published, and what is appended is in it at once', () => {
    const path = join(folder(), 'run.bst');
    writeFileSync(path, 'older');
    const file = new HostFiles().create(path, 'recording');
    file.append(bytes('one '));
    expect(content(path)).toBe('older');
    file.publish();
    expect(content(path)).toBe('one ');
    file.append(bytes('two'));
    expect(content(path)).toBe('one two');
    file.close();
    file.close();
    file.append(bytes('ignored'));
    expect(content(path)).toBe('one two');
  });

  test('the older one is beside it until it is whole', () => {
    const place = folder();
    const path = join(place, 'run.bst');
    writeFileSync(path, 'older');
    writeFileSync(`${path}.old`, 'what a killed recorder left');
    const file = new HostFiles().create(path, 'recording', 'always');
    file.append(bytes('new'));
    file.publish();
    expect(readdirSync(place).sort()).toEqual(['run.bst', 'run.bst.lock', 'run.bst.old', 'run.bst.old2']);
    expect(content(`${path}.old2`)).toBe('older');
    file.sync();
    file.close();
    expect(readdirSync(place).sort()).toEqual(['run.bst', 'run.bst.old']);
    expect(content(`${path}.old`)).toBe('what a killed recorder left');
  });

  test('what is not published, or not whole, takes nothing away', () => {
    const place = folder();
    const path = join(place, 'run.bst');
    writeFileSync(path, 'older');
    const files = new HostFiles();
    files.create(path, 'recording').close();
    expect(readdirSync(place)).toEqual(['run.bst']);
    expect(content(path)).toBe('older');
    const file = files.create(path, 'recording');
    file.append(bytes('half'));
    file.publish();
    files.discard();
    expect([content(path), content(`${path}.old`)]).toEqual(['half', 'older']);
    expect(readdirSync(place).sort()).toEqual(['run.bst', 'run.bst.old']);
  });

  test('keeps its permissions, and one that may not be written is not replaced', () => {
    const path = join(folder(), 'run.bst');
    writeFileSync(path, 'older', { mode: 0o640 });
    chmodSync(path, 0o640);
    const file = new HostFiles().create(path, 'recording');
    file.publish();
    file.close();
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test('a link is followed, also one that leads to nothing yet', () => {
    const place = folder();
    mkdirSync(join(place, 'there'));
    symlinkSync('there/run.bst', join(place, 'link'));
    for (const text of ['first', 'second']) {
      const file = new HostFiles().create(join(place, 'link'), 'recording');
      file.append(bytes(text));
      file.publish();
      file.close();
      expect(content(join(place, 'there/run.bst'))).toBe(text);
    }
    symlinkSync('circle', join(place, 'circle'));
    expect(() => new HostFiles().create(join(place, 'circle'), 'recording')).toThrow(
      'links lead in a circle',
    );
  });
});

describe('no file is read and written, or written twice', () => {
  test('by whatever name', () => {
    const place = folder();
    const image = join(place, 'disk.img');
    writeFileSync(image, 'precious');
    linkSync(image, join(place, 'hard'));
    symlinkSync(image, join(place, 'soft'));
    const files = new HostFiles();
    files.read(image, 'disk');
    for (const name of ['disk.img', 'hard', 'soft', './x/../disk.img']) {
      const refused = `cannot create recording ${place}/${name}: this command reads it (disk ${image})`;
      expect(() => files.create(`${place}/${name}`, 'recording')).toThrow(refused);
      expect(() => files.checkOutput(`${place}/${name}`, 'recording')).toThrow(refused);
    }
    const out = join(place, 'out');
    const first = files.create(out, 'recording');
    expect(() => files.create(`${place}/./out`, 'sound')).toThrow('this process writes it already');
    first.append(bytes('x'));
    first.publish();
    linkSync(out, join(place, 'out-too'));
    expect(() => files.create(join(place, 'out-too'), 'sound')).toThrow(
      `this command writes it already (recording ${out})`,
    );
    expect(() => files.read(out, 'sound')).toThrow(
      `cannot read sound ${out}: this command writes it already`,
    );
    first.close();
    expect(content(image)).toBe('precious');
    expect(files.read(out, 'recording')).toEqual(new Uint8Array(bytes('x')));
  });

  test('another session of the process may write what the first one read', () => {
    const path = join(folder(), 'run.bst');
    writeFileSync(path, 'read');
    new HostFiles().read(path, 'recording');
    const file = new HostFiles().create(path, 'recording');
    file.publish();
    file.close();
    expect(content(path)).toBe('');
  });
});

describe('a lock', () => {
  const startOf = (pid: number) =>
    content(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')[19];

  test.skipIf(!existsSync('/proc/self/stat'))(
    'of a living process holds, one of a dead process does not',
    () => {
      const { gone, alive } = processIds();
      const path = join(folder(), 'run.bst');
      const open = () => new HostFiles().create(path, 'recording');
      writeFileSync(`${path}.lock`, `${alive} ${startOf(alive)}\n`);
      expect(open).toThrow(`cannot create recording ${path}: process ${alive} writes it (${path}.lock)`);
      for (const stale of [`${gone} 5\n`, `${alive} 5\n`]) {
        writeFileSync(`${path}.lock`, stale);
        const file = open();
        expect(content(`${path}.lock`)).toBe(`${process.pid} ${startOf(process.pid)}\n`);
        file.close();
        expect(existsSync(`${path}.lock`)).toBe(false);
      }
    },
  );

  test("is no other file of the user's, and is none of a link's", () => {
    const place = folder();
    const path = join(place, 'run.bst');
    writeFileSync(`${path}.lock`, 'my notes');
    expect(() => new HostFiles().create(path, 'recording')).toThrow('is no lock of backstub');
    expect(content(`${path}.lock`)).toBe('my notes');
    const other = join(place, 'other.bst');
    symlinkSync('run.bst', other);
    rmSync(`${path}.lock`);
    const file = new HostFiles().create(path, 'recording');
    expect(() => new HostFiles().create(other, 'recording')).toThrow('this process writes it already');
    file.close();
  });
});

describe('what is no regular file', () => {
  test('is refused as an input, without waiting for it', async () => {
    const place = folder();
    const socket = createServer().listen(join(place, 'socket'));
    await new Promise(resolve => socket.once('listening', resolve));
    const cases: readonly (readonly [string, string])[] = [
      [fifo(join(place, 'fifo')), 'it is a FIFO'],
      [place, 'it is a folder'],
      [join(place, 'socket'), 'it is a socket'],
      ['/dev/zero', 'it is a device'],
      [join(place, 'absent'), 'no such file or folder'],
    ];
    for (const [path, why] of cases)
      expect(() => new HostFiles().read(path, 'firmware')).toThrow(`cannot read firmware ${path}: ${why}`);
    socket.close();
  });

  test('is written as it is, where that makes sense', () => {
    const place = folder();
    const pipe = fifo(join(place, 'fifo'));
    expect(() => new HostFiles().create(pipe, 'recording')).toThrow(
      'nobody reads this FIFO: start its reader first',
    );
    expect(() => new HostFiles().create(place, 'recording')).toThrow('it is a folder');
    expect(() => new HostFiles().create(`${place}/new/`, 'recording')).toThrow('it names a folder');
    const files = new HostFiles();
    const [first, second] = [files.create('/dev/null', 'sound'), files.create('/dev/null', 'recording')];
    first.append(bytes('x'));
    second.publish();
    first.close();
    second.close();
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk is told once', () => {
    const file = new HostFiles().create('/dev/full', 'recording');
    expect(() => file.append(bytes('x'))).toThrow(InputError);
    expect(() => file.append(bytes('x'))).not.toThrow();
    file.close();
    const told: string[] = [];
    const output = openFileConsole('/dev/full', new HostFiles(), line => told.push(line));
    output.write(bytes('x'));
    output.write(bytes('x'));
    output.close();
    expect(told).toEqual([
      'cannot write console output /dev/full: no space left on the device; the 0 bytes before are kept',
    ]);
  });
});

test('a file of over 2 GiB is no firmware, and says so at once', () => {
  const path = join(folder(), 'large');
  writeFileSync(path, '');
  spawnSync('truncate', ['-s', '3G', path]);
  expect(() => new HostFiles().read(path, 'firmware')).toThrow(
    `cannot use firmware ${path}: it is larger than 2 GiB`,
  );
});

describe('a client writes to the save folder', () => {
  const SIGNATURE = bytes('BST!');

  function saves() {
    const place = folder();
    const root = join(place, 'saves');
    mkdirSync(join(root, 'sub/deep'), { recursive: true });
    mkdirSync(join(root, '.hidden'));
    writeFileSync(join(place, 'secret.bst'), 'BST!');
    writeFileSync(join(root, 'notes.bst'), 'not a recording');
    writeFileSync(join(root, 'short.bst'), 'BS');
    writeFileSync(join(root, 'run.bst'), 'BST! older');
    symlinkSync(place, join(root, 'out'));
    symlinkSync(join(place, 'secret.bst'), join(root, 'link.bst'));
    symlinkSync(join(place, 'new.bst'), join(root, 'dangling.bst'));
    fifo(join(root, 'fifo.bst'));
    return { place, root, folder: new SaveFolder(root, new HostFiles(), SIGNATURE) };
  }

  test('new recordings, and in the place of recordings', () => {
    const { root, folder } = saves();
    for (const name of [
      'new.bst',
      'sub/deep/new.bst',
      './sub//new.bst',
      `${root}/sub/too.bst`,
      'run.bst',
      'a b.bst',
    ]) {
      const file = folder.create(name, 'never');
      file.append(bytes('BST! new'));
      file.publish();
      file.close();
      expect(content(name.startsWith('/') ? name : join(root, name))).toBe('BST! new');
    }
  });

  test.each([
    ['../secret.bst', 'it is outside'],
    ['sub/../../secret.bst', 'it is outside'],
    ['sub/../run.bst', 'it is outside'],
    ['/etc/cron.d/x.bst', 'it is outside'],
    ['authorized_keys', 'the name must end in .bst'],
    ['run.bst/', 'the name must end in .bst'],
    ['.bst', 'no part of it may begin with a dot'],
    ['.hidden/x.bst', 'no part of it may begin with a dot'],
    ['absent/x.bst', 'there is no folder'],
    ['run.bst/x.bst', 'is a link or no folder'],
    ['out/secret.bst', 'is a link or no folder'],
    ['link.bst', 'it is a link'],
    ['dangling.bst', 'it is a link'],
    ['fifo.bst', 'it is a FIFO'],
    ['sub.bst/../x', 'it is outside'],
    ['notes.bst', 'the file that is there is no recording'],
    ['short.bst', 'the file that is there is no recording'],
    [`${'x'.repeat(300)}.bst`, 'the name is too long'],
    [`${'x'.repeat(300)}/x.bst`, 'the name is too long'],
    ['x\n.bst', 'the name holds control characters'],
    ['x\0.bst', 'the name holds control characters'],
  ])('not %j', (name, why) => {
    const { place, root, folder } = saves();
    const before = [readdirSync(place), readdirSync(root, { recursive: true })];
    let message = '';
    try {
      folder.create(name, 'never');
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      message = (error as Error).message;
    }
    expect(message).toContain(why);
    expect(message).not.toMatch(/[\n\0]/);
    expect([readdirSync(place), readdirSync(root, { recursive: true })]).toEqual(before);
    expect(content(join(place, 'secret.bst'))).toBe('BST!');
  });

  test('not a file that this command reads', () => {
    const { root, folder } = saves();
    folder.files.read(join(root, 'run.bst'), 'recording');
    expect(() => folder.create('run.bst', 'never')).toThrow('this command reads it');
    expect(() => new SaveFolder(join(root, 'absent'), new HostFiles(), SIGNATURE)).toThrow(
      'no such file or folder',
    );
  });
});

test('a sleep ends when it is woken', async () => {
  let wake = () => {};
  const woken = new Promise<void>(resolve => {
    wake = resolve;
  });
  const slept = systemClock.sleep(3_600_000, woken);
  wake();
  await slept;
  await systemClock.sleep(0, new Promise(() => {}));
});
