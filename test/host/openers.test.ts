/** Who may use what a session opens: a port, a terminal, a temporary file. */
import { fstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openPty } from '../../src/host/console/pty.js';
import { openPageFile } from '../../src/host/files/temporary-page-file.js';
import { listenForPeer } from '../../src/host/network/socket-network.js';

function peerOf(port: number, host = '127.0.0.1'): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect({ port, host });
  onTestFinished(() => {
    socket.destroy();
  });
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  return new Promise(resolve => socket.once('connect', () => resolve({ socket, closed })));
}

test('a cable has one other end: a second peer is sent away, and the first stays', async () => {
  const lines: string[] = [];
  let heard = () => {};
  const gone = new Promise<void>(resolve => {
    heard = resolve;
  });
  const network = await listenForPeer({ host: '127.0.0.1', port: 0 }, line => {
    lines.push(line);
    heard();
  });
  onTestFinished(() => network.close());
  const packets: number[] = [];
  let arrived = () => {};
  const there = new Promise<void>(resolve => {
    arrived = resolve;
  });
  network.onReceive(packet => {
    packets.push(packet.length);
    if (packets.length === 300) arrived();
  });
  const first = await peerOf(network.port);
  const second = await peerOf(network.port);
  await second.closed;
  // Cut anywhere, and many at once: each packet arrives once.
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 60]), Buffer.alloc(60, 7)]);
  const stream = Buffer.concat(Array.from({ length: 300 }, () => frame));
  for (let at = 0; at < stream.length; at += 61) first.socket.write(stream.subarray(at, at + 61));
  await there;
  expect(packets).toEqual(new Array(300).fill(60));
  first.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  await first.closed;
  await gone;
  expect(lines[0]).toBe('the network peer sends what is no packet: disconnected');
  const third = await peerOf(network.port);
  expect(third.socket.destroyed).toBe(false);
});

test('a file for pages has no name, and nobody else may open it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstub-openers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = openPageFile(folder, 2 ** 20);
  onTestFinished(() => file.close());
  expect(readdirSync(folder)).toEqual([]);
  const { mode, nlink } = fstatSync(file.handle);
  expect([mode & 0o777, nlink]).toEqual([0o600, 0]);
});

test('a terminal is for this user alone to read', async () => {
  let name = '';
  const console = await openPty(line => {
    name = line.replace('console on ', '');
  }).catch(() => undefined);
  if (console === undefined) return;
  onTestFinished(() => console.close());
  expect(statSync(name).mode & 0o007).toBe(0);
  expect(statSync(name).uid).toBe(process.getuid?.());
});
