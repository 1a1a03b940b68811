import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { expect, onTestFinished, test } from 'vitest';
import { openFileConsole } from '../../src/host/console/outputs.js';
import { openPty } from '../../src/host/console/pty.js';
import { connectSocketConsole } from '../../src/host/console/socket.js';
import { HostFiles } from '../../src/host/files/host-files.js';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backstub-console-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const text = (value: string) => new TextEncoder().encode(value);

/** Collects text until it ends with `end`. */
const upTo = (stream: NodeJS.ReadableStream, end: string) =>
  new Promise<string>(resolve => {
    let all = '';
    stream.on('data', (bytes: Buffer) => {
      all += bytes.toString();
      if (all.endsWith(end)) resolve(all);
    });
  });

test.skipIf(process.platform === 'win32')(
  'a Unix socket carries both directions and tells when it is gone',
  async () => {
    const path = join(scratch(), 'console.sock');
    const accepted = new Promise<Socket>(resolve => {
      const server = createServer(socket => {
        server.close();
        resolve(socket);
      });
      server.listen(path);
    });
    await expect.poll(() => existsSync(path)).toBe(true);
    const lines: string[] = [];
    const gone = new Promise<void>(resolve => {
      void connectSocketConsole({ path }, line => {
        lines.push(line);
        resolve();
      }).then(console => {
        console.onInput(bytes => console.write(text(`<${new TextDecoder().decode(bytes)}>`)));
      });
    });
    const peer = await accepted;
    peer.write('hello');
    expect(await upTo(peer, '>')).toBe('<hello>');
    peer.destroy();
    await gone;
    expect(lines).toEqual([`console unix:${path} is gone: connection closed by the other side`]);
  },
);

test('a socket where nothing listens is one clear error', async () => {
  const path = join(scratch(), 'nobody.sock');
  await expect(connectSocketConsole({ path }, () => {})).rejects.toThrow(
    `cannot connect the console to unix:${path}`,
  );
});

test('a file console holds the output', () => {
  const path = join(scratch(), 'out.txt');
  const console = openFileConsole(path, new HostFiles(), () => {});
  console.write(text('to the file'));
  console.close();
  expect(readFileSync(path, 'utf8')).toBe('to the file');
});

test.skipIf(process.platform === 'win32')(
  'a pseudo-terminal carries bytes as they are, both ways, and its name is told',
  async () => {
    const lines: string[] = [];
    const console = await openPty(line => lines.push(line));
    onTestFinished(() => console.close());
    const name = /^console on (\/dev\/\S+)$/.exec(lines[0])?.[1] ?? '';
    const terminal = new ReadStream(openSync(name, 'r+'));
    onTestFinished(() => {
      terminal.destroy();
    });
    const typed = new Promise<string>(resolve =>
      console.onInput(bytes => resolve(new TextDecoder().decode(bytes))),
    );
    terminal.write('\x03typed\r');
    expect(await typed).toBe('\x03typed\r');
    console.write(text('line\r\n>'));
    expect(await upTo(terminal, '>')).toBe('line\r\n>');
  },
);
