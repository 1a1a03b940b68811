import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sayOption } from '../../src/cli/machine-options.js';
import { GdbServer, serveDebugger } from '../../src/gdb/server.js';
import { streamChannel } from '../../src/gdb/transport/stream-channel.js';
import { fullMessage, InputError } from '../../src/state/input-error.js';
import { CounterTarget } from './counter-target.js';
import { packet, takeItems } from './wire.js';

/** A debugger's socket: what it hears, item by item. */
class Client {
  readonly heard: string[] = [];
  readonly closed: Promise<void>;
  private rest = '';
  private wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    this.closed = new Promise(resolve => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const { items, rest } = takeItems(this.rest + chunk.toString('latin1'));
      this.rest = rest;
      this.heard.push(...items);
      this.wake();
    });
  }

  static async open(port: number): Promise<Client> {
    const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true });
    const client = new Client(socket);
    await once(socket, 'connect');
    return client;
  }

  send(body: string): void {
    this.socket.write(packet(body));
  }

  async next(): Promise<string> {
    for (;;) {
      const item = this.heard.shift();
      if (item?.startsWith('$')) return item.slice(1);
      if (item !== undefined) continue;
      await new Promise<void>(resolve => {
        this.wake = resolve;
      });
    }
  }

  async ask(body: string): Promise<string> {
    this.send(body);
    return this.next();
  }
}

describe('TCP server', () => {
  let target: CounterTarget;
  let server: GdbServer;

  beforeEach(async () => {
    target = new CounterTarget({ stalls: true });
    server = await GdbServer.start(target, { port: 0, graceMs: 50 });
  });
  afterEach(() => server.close());

  it('picks a free port of the loopback address and answers there', async () => {
    expect(server.host).toBe('127.0.0.1');
    expect(server.port).toBeGreaterThan(0);
    const client = await Client.open(server.port);
    expect(await client.ask('qC')).toBe('QC1');
  });

  it('says in one line that a port is in use, and what to do', async () => {
    const error = await GdbServer.start(target, { port: server.port }).catch(error => error);
    expect(error).toBeInstanceOf(InputError);
    expect(fullMessage(error, sayOption)).toBe(
      `port ${server.port} on 127.0.0.1 is already in use: give --gdb another address (port 0 takes a free one)`,
    );
  });

  it('says so when the address is not of this machine', async () => {
    await expect(GdbServer.start(target, { host: '203.0.113.1', port: 0 })).rejects.toThrow(
      /^cannot listen on 203.0.113.1:0 \(EADDRNOTAVAIL\)$/,
    );
  });

  it.each([
    ['says goodbye', (client: Client) => client.socket.end()],
    ['is reset', (client: Client) => client.socket.resetAndDestroy()],
  ])('serves the next debugger when the first one, running, %s', async (_, leave) => {
    const first = await Client.open(server.port);
    await first.ask('Z0,80000100,4');
    first.send('c');
    leave(first);
    const second = await Client.open(server.port);
    expect(await second.ask('?')).toMatch(/^T05/);
    expect(target.breakpoints.size).toBe(0);
    expect(target.calls.filter(call => /tach/.test(call))).toEqual(['attach', 'detach', 'attach']);
  });

  it('acknowledges k before it closes, and serves the next one', async () => {
    const first = await Client.open(server.port);
    first.send('k');
    await first.closed;
    expect(first.heard).toEqual(['+']);
    const second = await Client.open(server.port);
    expect(await second.ask('qC')).toBe('QC1');
  });

  it('tells a second debugger who is there and keeps the first', async () => {
    const first = await Client.open(server.port);
    expect(await first.ask('qC')).toBe('QC1');
    const second = await Client.open(server.port);
    const place = `127.0.0.1:${first.socket.localPort}`;
    expect(await second.ask('qSupported')).toBe(
      `E.another debugger is connected from ${place}: leave there first`,
    );
    await second.closed;
    expect(await first.ask('qC')).toBe('QC1');
  });

  it('never gives up a debugger for one that comes, however silent it is and while the machine runs', async () => {
    const first = await Client.open(server.port);
    expect(await first.ask('qC')).toBe('QC1');
    first.send('c');
    for (let attempt = 0; attempt < 3; attempt++) {
      const other = await Client.open(server.port);
      expect(await other.next()).toMatch(/^E\.another debugger/);
      await other.closed;
      const probe = await Client.open(server.port);
      probe.socket.destroy();
    }
    first.socket.write('\x03');
    expect(await first.next()).toMatch(/^T02/);
  });

  it("a silent connection that comes first stands in nobody's way, and goes", async () => {
    await server.close();
    const lines: string[] = [];
    server = await GdbServer.start(target, { port: 0, silenceMs: 30, notice: line => lines.push(line) });
    const silent = await Client.open(server.port);
    silent.socket.write('+');
    const real = await Client.open(server.port);
    expect(await real.ask('qC')).toBe('QC1');
    await silent.closed;
    expect(lines).toEqual([
      expect.stringMatching(/^connection from 127\.0\.0\.1:\d+ closed: it has sent no packet$/),
    ]);
    expect(await real.ask('qC')).toBe('QC1');
  });

  it('many silent connections leave room for a debugger', async () => {
    const silent = await Promise.all(Array.from({ length: 40 }, () => Client.open(server.port)));
    const real = await Client.open(server.port);
    expect(await real.ask('qC')).toBe('QC1');
    for (const client of silent) client.socket.destroy();
  });

  it.each([
    ['a web page', 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 'HTTP or another protocol of lines'],
    ['TLS', '\x16\x03\x01', 'TLS'],
    ['a packet with a head behind it', `${packet('qC').toString('latin1')} / HTTP/1.1\r\n\r\n`, 'HTTP'],
    ['an escape sequence', '\x1b[2J', 'byte 0x1b first'],
  ])('%s is closed at once, touches nothing and is named', async (_, start, name) => {
    await server.close();
    const lines: string[] = [];
    target = new CounterTarget();
    server = await GdbServer.start(target, { port: 0, notice: line => lines.push(line) });
    const client = await Client.open(server.port);
    client.socket.write(Buffer.from(`${start}+${packet('c').toString('latin1')}`, 'latin1'));
    await client.closed;
    expect(client.heard).toEqual([]);
    expect(target.calls).toEqual([]);
    expect(target.icount).toBe(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^connection from 127\.0\.0\.1:\d+ closed: it does not speak the protocol of debuggers: /,
    );
    expect(lines[0]!.endsWith(name)).toBe(true);
  });

  it('a debugger that turns into a web page is closed before what it sends then is looked at', async () => {
    const client = await Client.open(server.port);
    expect(await client.ask('qC')).toBe('QC1');
    client.socket.write(`POST / HTTP/1.1\r\n\r\n${packet('c').toString('latin1')}`);
    await client.closed;
    expect(target.icount).toBe(0);
    const next = await Client.open(server.port);
    expect(await next.ask('qC')).toBe('QC1');
  });

  it.each([
    ['127.0.0.1', false],
    ['::1', false],
    ['0.0.0.0', true],
    ['::', true],
  ])('knows whether others can reach %s', async (host, beyond) => {
    await using other = await GdbServer.start(target, { host, port: 0 });
    expect(other.beyondLoopback).toBe(beyond);
  });

  it('lets a waiting debugger in as soon as the first leaves', async () => {
    await server.close();
    server = await GdbServer.start(target, { port: 0, graceMs: 30_000 });
    const first = await Client.open(server.port);
    expect(await first.ask('qC')).toBe('QC1');
    const second = await Client.open(server.port);
    second.send('qC');
    first.socket.end();
    expect(await second.next()).toBe('QC1');
  });

  it('closes with a debugger connected and the machine running', async () => {
    const first = await Client.open(server.port);
    expect(await first.ask('qC')).toBe('QC1');
    first.send('c');
    await server.close();
    await first.closed;
    expect(target.calls.at(-1)).toBe('detach');
    const probe = createServer().listen({ host: '127.0.0.1', port: server.port });
    await once(probe, 'listening');
    probe.close();
  });

  it('goes on after a target that cannot be attached', async () => {
    const attach = target.attach.bind(target);
    target.attach = () => {
      target.attach = attach;
      throw new Error('not now');
    };
    const first = await Client.open(server.port);
    first.send('qC');
    await first.closed;
    const second = await Client.open(server.port);
    expect(await second.ask('qC')).toBe('QC1');
  });
});

describe.skipIf(!existsSync('/proc/net/tcp'))('a debugger that is gone without a word', () => {
  /** What the system times of a connection's end here: `02` is keep-alive (Linux, proc_net_tcp). */
  const timerOf = (local: number, remote: number) => {
    const port = (number: number) => number.toString(16).toUpperCase().padStart(4, '0');
    const lines = readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .map(line => line.trim().split(/\s+/));
    return lines
      .find(
        ([, here, there]) => here?.endsWith(`:${port(local)}`) && there?.endsWith(`:${port(remote)}`),
      )?.[5]
      ?.slice(0, 2);
  };

  it('is found by keep-alive, served or still waiting', async () => {
    await using server = await GdbServer.start(new CounterTarget(), { port: 0, graceMs: 60_000 });
    const first = await Client.open(server.port);
    expect(await first.ask('qC')).toBe('QC1');
    const second = await Client.open(server.port);
    second.send('qC');
    while (timerOf(server.port, second.socket.localPort!) === undefined) await once(second.socket, 'data');
    expect(timerOf(server.port, first.socket.localPort!)).toBe('02');
    expect(timerOf(server.port, second.socket.localPort!)).toBe('02');
  });
});

describe('a channel', () => {
  it('brings what came at once in pieces, and lets others have their turns in between', async () => {
    const input = new PassThrough({ highWaterMark: 2 ** 22 });
    const channel = streamChannel(input, new PassThrough());
    const sent = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => i % 251));
    const heard: Buffer[] = [];
    let turns = 0;
    let open = true;
    const turn = () => {
      turns++;
      if (open) setImmediate(turn);
    };
    turn();
    const lengths = new Map<number, number>();
    await new Promise<void>(resolve => {
      let length = 0;
      channel.open({
        onBytes(bytes) {
          heard.push(Buffer.from(bytes));
          lengths.set(turns, (lengths.get(turns) ?? 0) + bytes.length);
          length += bytes.length;
          if (length === sent.length) resolve();
        },
        onClose: () => {},
      });
      input.write(sent);
    });
    open = false;
    expect(Buffer.concat(heard).equals(sent)).toBe(true);
    expect(Math.max(...lengths.values())).toBeLessThanOrEqual(2 * 0x4000);
  });

  it('that is held stays held, whatever turn it is', async () => {
    const input = new PassThrough();
    const channel = streamChannel(input, new PassThrough());
    let heard = 0;
    channel.open({
      onBytes(bytes) {
        heard += bytes.length;
        channel.hold(true);
      },
      onClose: () => {},
    });
    input.write(Buffer.alloc(0x10000));
    for (let turn = 0; turn < 10; turn++) await channel.turn();
    expect(heard).toBe(0x4000);
    channel.hold(false);
    while (heard < 0x8000) await channel.turn();
  });
});

describe('stdio channel', () => {
  it('serves one debugger over a pair of streams', async () => {
    const target = new CounterTarget();
    const input = new PassThrough();
    const output = new PassThrough();
    const served = serveDebugger(target, streamChannel(input, output));
    input.write(packet('qC'));
    const [answer] = await once(output, 'data');
    expect(answer.toString()).toMatch(/^\+/);
    input.end();
    await served;
    expect(target.calls).toEqual(['attach', 'detach']);
  });
});
