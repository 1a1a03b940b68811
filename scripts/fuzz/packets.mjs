// Packets of every kind against a served machine: whatever was sent, a sentinel is answered in time, and SIGTERM ends it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../random.mjs';
import { root } from '../setup.mjs';
import { frame, GdbClient } from './gdb-client.mjs';

/** Packets between two sentinels, at most. */
const MOST_AT_ONCE = 60;
/** An interrupt may have stopped a resume that another one follows: it is sent again until the sentinel is answered. */
const INTERRUPT_AGAIN_MS = 20;
const START_MS = 60_000;
const SYMBOLS = [0x8000_0000, 0x8000_0100, 0x8000_0200];

const hex = text => Buffer.from(text).toString('hex');
/** As an error's text, or as output of a monitor command. */
const INTERNAL_ERROR = new RegExp(`internal error|${hex('internal error')}`);

class Served {
  static async start(folder) {
    const served = new Served();
    const program = [join(root, 'dist/cli/main.js'), 'serve', join(root, 'fixtures/rv64/ticks.elf')];
    const options = ['--gdb', '127.0.0.1:0', '--clock', 'virtual', '--serial', 'null'];
    served.child = spawn(process.execPath, [...program, ...options], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    served.errors = '';
    served.child.stderr.setEncoding('utf8');
    served.ended = new Promise(settle =>
      served.child.once('close', (code, signal) => settle(code ?? signal)),
    );
    served.ended.then(code => {
      served.code = code;
    });
    served.port = await new Promise((settle, reject) => {
      const timer = setTimeout(() => reject(new Error('the server did not start')), START_MS);
      served.child.stderr.on('data', text => {
        served.errors = (served.errors + text).slice(-100_000);
        const found = /gdb server on 127\.0\.0\.1:(\d+)/.exec(served.errors);
        if (found === null) return;
        clearTimeout(timer);
        settle(Number(found[1]));
      });
      served.ended.then(code => reject(new Error(`the server ended with ${code}: ${served.errors}`)));
    });
    return served;
  }

  /** What must never be: an end, a crash or a trace. */
  complaint() {
    if (this.code !== undefined) return `the server ended with ${this.code}: ${this.errors.slice(-2000)}`;
    const trace = /internal error|\n\s+at .*:\d+:\d+|BrokenInvariant|UnhandledPromise/.exec(this.errors);
    return trace === null ? undefined : `the server said: ${this.errors.slice(-2000)}`;
  }
}

class Connection {
  #text = '';
  closed = false;

  constructor(port) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.setNoDelay(true);
    this.socket.on('data', bytes => {
      this.#text += bytes.toString('latin1');
      this.onText?.();
    });
    const gone = () => {
      this.closed = true;
      this.onText?.();
    };
    this.socket.on('error', gone);
    this.socket.on('close', gone);
    this.write(Buffer.concat([Buffer.from('+'), frame('qSupported:swbreak+;hwbreak+')]));
  }

  write(bytes) {
    if (!this.closed) this.socket.write(bytes);
  }

  /** Waits until the stub has answered this; true when the connection went instead. Throws after `limitMs`. */
  async answered(text, limitMs) {
    const found = () => this.closed || this.#text.includes(text);
    const again = setInterval(() => this.write(Buffer.from('\x03')), INTERRUPT_AGAIN_MS);
    let limit;
    try {
      await new Promise((settle, reject) => {
        limit = setTimeout(
          () => reject(new Error(`a sentinel was not answered within ${limitMs} ms`)),
          limitMs,
        );
        this.onText = () => {
          if (found()) settle();
        };
        this.onText();
      });
    } finally {
      clearInterval(again);
      clearTimeout(limit);
      this.onText = undefined;
    }
    const internal = INTERNAL_ERROR.exec(this.#text);
    if (internal !== null)
      throw new Error(`the stub answered: ${this.#text.slice(internal.index - 200, internal.index + 200)}`);
    this.#text = '';
    return this.closed;
  }
}

/** Throws Error that says what went wrong. `limitMs`: for each sentinel; `endMs`: for the end after SIGTERM. */
export async function fuzz({ seed, count, limitMs = 1000, endMs = 2000 }) {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), 'backstub-fuzz-'));
  const served = await Served.start(folder);
  const client = new GdbClient(random, SYMBOLS);
  let recent = [];
  try {
    let connection = new Connection(served.port);
    let connections = 1;
    for (let sent = 0; sent < count; ) {
      recent = Array.from({ length: 1 + random.below(Math.min(MOST_AT_ONCE, count - sent)) }, () =>
        client.next(),
      );
      sent += recent.length;
      if (random.chance(0.5)) connection.write(Buffer.concat(recent));
      else for (const bytes of recent) connection.write(bytes);
      // An open body or escape ends here; then every resume so far is interrupted.
      const sentinel = `sentinel-${sent}`;
      connection.write(
        Buffer.concat([Buffer.from('#00\x03'), frame('Hg0'), frame(`qRcmd,${hex(sentinel)}`)]),
      );
      const gone = await connection.answered(hex(`unknown monitor command "${sentinel}"`), limitMs);
      const complaint = served.complaint();
      if (complaint !== undefined) throw new Error(complaint);
      if (gone || random.chance(0.02)) {
        connection.socket.destroy();
        connection = new Connection(served.port);
        connections++;
        await connection.answered('PacketSize', limitMs);
      }
    }
    recent = Array.from({ length: 20 }, () => client.next());
    connection.write(Buffer.concat([...recent, frame('c')]));
    served.child.kill('SIGTERM');
    const late = new Promise(settle => setTimeout(() => settle('late'), endMs).unref());
    if ((await Promise.race([served.ended, late])) === 'late')
      throw new Error(`SIGTERM did not end it within ${endMs} ms`);
    if (served.code !== 143)
      throw new Error(`after SIGTERM the server ended with ${served.code}: ${served.errors.slice(-500)}`);
    return `${connections} connections`;
  } catch (error) {
    error.message += `\n  sent last: ${recent
      .map(bytes => JSON.stringify(bytes.toString('latin1')))
      .join(' ')
      .slice(0, 4000)}`;
    throw error;
  } finally {
    served.child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
