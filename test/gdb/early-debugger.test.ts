/** A debugger that comes before its target is where it shall be found. */

import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { GdbServer } from '../../src/gdb/server.js';
import { keepUntil } from '../../src/gdb/transport/early-debugger.js';
import { streamChannel } from '../../src/gdb/transport/stream-channel.js';
import type { DebugTarget } from '../../src/timeline/debug-target.js';
import { CounterTarget } from './counter-target.js';
import { packet, takeItems } from './wire.js';

const NEVER = new Promise<void>(() => {});

/** A channel whose clock is turned by hand. */
function channelByHand() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let tick = () => {};
  let stopped = false;
  const channel = {
    ...streamChannel(input, output),
    every(_ms: number, wake: () => void) {
      tick = wake;
      return () => {
        stopped = true;
      };
    },
  };
  return { input, output, channel, tick: () => tick(), stopped: () => stopped };
}

const turn = () => new Promise(resolve => setImmediate(resolve));

test('hears an acknowledgement now and then, and nothing of what it said is lost', async () => {
  const { input, output, channel, tick, stopped } = channelByHand();
  let arrived = () => {};
  const kept = keepUntil(new Promise<void>(resolve => (arrived = resolve)), channel);
  input.write('$qSupp');
  await turn();
  tick();
  input.write('orted#37');
  tick();
  await turn();
  expect(output.read().toString()).toBe('++');
  expect(stopped()).toBe(false);
  arrived();
  const later = await kept;
  expect(stopped()).toBe(true);
  let said = '';
  await new Promise<void>(resolve => {
    later!.open({ onBytes: bytes => (said += Buffer.from(bytes).toString()), onClose: resolve });
    input.end('$?#3f');
  });
  expect(said).toBe('$qSupported#37$?#3f');
});

test('that leaves, or talks without end, is let go', async () => {
  const left = channelByHand();
  const kept = keepUntil(NEVER, left.channel);
  left.input.end();
  expect(await kept).toBeUndefined();
  expect(left.stopped()).toBe(true);

  const loud = channelByHand();
  const heard = keepUntil(NEVER, loud.channel);
  loud.output.resume();
  for (let i = 0; i < 5; i++) loud.input.write(Buffer.alloc(0x10000));
  loud.input.end();
  expect(await heard).toBeUndefined();
});

let server: GdbServer;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
});

function client() {
  const socket = connect({ host: '127.0.0.1', port: server.port, noDelay: true });
  sockets.push(socket);
  let text = '';
  let wake = () => {};
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    wake();
  });
  return {
    socket,
    send: (body: string) => socket.write(packet(body)),
    /** The next reply. */
    async reply(): Promise<string> {
      for (;;) {
        const { items } = takeItems(text);
        const reply = items.find(item => item.startsWith('$'));
        if (reply !== undefined) {
          text = '';
          return reply.slice(1);
        }
        await new Promise<void>(resolve => (wake = resolve));
      }
    },
    heardReply: () => text.includes('$'),
  };
}

test('is served when the target is ready, after another that gave up; the port is open all the time', async () => {
  const target = new CounterTarget();
  let arrived = () => {};
  const ready = new Promise<void>(resolve => (arrived = resolve));
  server = await GdbServer.start(
    ready.then(() => target),
    { port: 0 },
  );
  const first = client();
  first.send('?');
  await new Promise(resolve => first.socket.once('data', resolve));
  expect(first.heardReply()).toBe(false);
  first.socket.destroy();
  const second = client();
  second.send('?');
  await new Promise(resolve => second.socket.once('data', resolve));
  expect(second.heardReply()).toBe(false);
  arrived();
  expect(await second.reply()).toMatch(/^T05/);
  // From now on as ever.
  second.socket.destroy();
  const third = client();
  third.send('?');
  expect(await third.reply()).toMatch(/^T05/);
});

test('does not keep the server from closing', async () => {
  server = await GdbServer.start(new Promise<DebugTarget>(() => {}), { port: 0 });
  const waiting = client();
  waiting.send('?');
  await new Promise(resolve => waiting.socket.once('data', resolve));
  const closed = new Promise(resolve => waiting.socket.once('close', resolve));
  await server.close();
  await closed;
});
