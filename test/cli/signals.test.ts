/**
 * SIGTERM and SIGINT end a command soon and in order, whatever is under way; and while it is, the event loop has its
 * turns.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { hex, packet } from '../gdb/wire.js';
import * as asm from '../lockstep/encode.js';
import { backstub, type Running, scratchFolder, start } from './backstub.js';

const FULL = process.env.BACKSTUB_FULL !== undefined;
/** What is promised; on a host that others use only what hangs is to meet the other. */
const END_MS = FULL ? 2000 : 60_000;
const LONGEST_TURN_MS = FULL ? 1000 : 20_000;
const MOST_MEMORY = 500 * 2 ** 20;

const SIGNALS = [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const;

const [T0, T1] = [5, 6];
/** Adds to a word in memory for ever. */
const COUNTER = asm.assemble([
  asm.auipc(T0, 0),
  asm.IMMEDIATE_OPS.addi(T1, T1, 1),
  asm.STORES.sw(T1, T0, 64),
  asm.jal(0, -8),
]);
const HOT = '80000004';
/** Nothing writes or runs it, but the page is written to and run all the time. */
const QUIET = '0x80000080';
const PRINTER = asm.assemble([asm.lui(T0, 0x10000), asm.STORES.sb(T1, T0, 0), asm.jal(0, -4)]);
const SLEEPER = asm.assemble([asm.WFI, asm.jal(0, -4)]);

/** Tells at the end how long the event loop was held since SIGUSR2, and the most memory the process had. */
const WATCH = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  import { monitorEventLoopDelay } from 'node:perf_hooks';
  const turns = monitorEventLoopDelay({ resolution: 5 });
  turns.enable();
  process.on('SIGUSR2', () => {
    turns.reset();
    process.stderr.write('watched\\n');
  });
  process.on('exit', () => {
    const [, kib] = /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'));
    process.stderr.write('\\nheld ' + Math.round(turns.max / 1e6) + ' ms, used ' + kib + ' KiB\\n');
  });
`)}`;

const image = (folder: string, program: Uint8Array): string => {
  const path = join(folder, 'program.bin');
  writeFileSync(path, program);
  return path;
};

/** A client that says what it is told to, and reads or does not. */
class Client {
  heard = '';
  private wake = () => {};

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', bytes => {
      this.heard += bytes.toString('latin1');
      this.wake();
    });
    onTestFinished(() => {
      socket.destroy();
    });
  }

  static async open(port: number): Promise<Client> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Client(socket);
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.heard)) {
      await new Promise<void>(resolve => {
        this.wake = resolve;
      });
    }
  }

  /** Sends a packet; back when it was acknowledged, so that it is being worked on. */
  async begin(body: string): Promise<void> {
    this.heard = '';
    this.socket.write(packet(body));
    await this.until(/\+/);
  }

  async ask(body: string): Promise<void> {
    await this.begin(body);
    await this.until(/\$[^#]*#../);
  }
}

/** A stranger is sent away at once, so somebody looks at connections. */
async function sentinel(port: number): Promise<void> {
  const client = await Client.open(port);
  client.socket.write('GET / HTTP/1.1\r\n\r\n');
  await new Promise(resolve => client.socket.once('close', resolve));
}

/** Brings a server into a state; the client, if one is given back, has asked for what cannot have been answered yet. */
type State = (port: number) => Promise<Client | undefined>;

const asks =
  (body: string, ...before: string[]): State =>
  async port => {
    const client = await Client.open(port);
    for (const one of before) await client.ask(one);
    await client.begin(body);
    return client;
  };
const monitor = (command: string) => `qRcmd,${hex(command)}`;
const NEVER = 'X3,220027';
/** Counts 15000 down to 0. */
const SLOW_NEVER = 'Xb,233a982201032820000327';

const LIVE: Readonly<Record<string, State>> = {
  'nobody is there': async () => undefined,
  'a debugger is there and silent': async port => {
    await (await Client.open(port)).ask('?');
    return undefined;
  },
  'a debugger is half there': async port => {
    (await Client.open(port)).socket.write('+$qSuppor');
    return undefined;
  },
  'the guest runs': asks('c'),
  'a condition is looked at all the time': asks('c', `Z0,${HOT},4;${NEVER}`),
  'a condition that takes long is looked at': asks('c', `Z0,${HOT},4;${SLOW_NEVER}`),
  'a range is stepped through for ever': asks(
    'vCont;r80000000,80000010:1',
    `Z0,${HOT},4`,
    'c',
    `z0,${HOT},4`,
  ),
  'packets pour in while the guest runs': async port => {
    const client = await Client.open(port);
    await client.begin('c');
    client.socket.write(Buffer.concat(Array.from({ length: 100_000 }, () => packet('qC'))));
    return client;
  },
  'a client asks and never reads': async port => {
    const client = await Client.open(port);
    await client.ask('QStartNoAckMode');
    client.socket.pause();
    client.socket.write(Buffer.concat(Array.from({ length: 50_000 }, () => packet('m80000000,2000'))));
    return undefined;
  },
};

const RECORDED: Readonly<Record<string, State>> = {
  'it is on its way to the end': async port => {
    const client = await Client.open(port);
    client.socket.write(packet('?'));
    return client;
  },
  'going back looks at a condition through all of the history': asks(
    'bc',
    monitor('goto 99999999'),
    `Z0,${HOT},4;${NEVER}`,
  ),
  'going back looks at a condition that takes long': asks(
    'bc',
    monitor('goto 99999999'),
    `Z0,${HOT},4;${SLOW_NEVER}`,
  ),
  'going back counts every write': asks('bc', monitor('goto 99999999'), `Z2,80000040,4;${NEVER}`),
  'a question goes through all of the history': asks(monitor(`last-write ${QUIET}`), monitor('goto end')),
  'writes are looked for': asks(monitor(`writes ${QUIET} 4`), monitor('goto end')),
  'a moment far away is sought': asks(monitor('goto end')),
  'a run from a moment far away is asked for': asks(`vRun;;${hex('100000000')}`),
};

interface Observed {
  readonly code: number | null;
  readonly said: string;
  readonly heldMs: number;
  readonly memory: number;
  readonly tookMs: number;
}

async function endBy(running: Running, ...signals: NodeJS.Signals[]): Promise<Observed> {
  const from = performance.now();
  for (const signal of signals) running.process.kill(signal);
  const { code, stderr } = await running.ended;
  const [said = '', held, kib] = /^([\s\S]*)\nheld (\d+) ms, used (\d+) KiB/.exec(stderr)?.slice(1) ?? [];
  return {
    code,
    said,
    heldMs: Number(held),
    memory: Number(kib) * 1024,
    tookMs: performance.now() - from,
  };
}

function expectOrder(observed: Observed, code: number): void {
  expect(observed.code).toBe(code);
  expect(observed.said).not.toMatch(/error|\n\s+at /);
  expect(observed.tookMs).toBeLessThan(END_MS);
  expect(observed.heldMs).toBeLessThan(LONGEST_TURN_MS);
  expect(observed.memory).toBeLessThan(MOST_MEMORY);
}

const watched = { NODE_OPTIONS: `--import=${WATCH}` };
const startWatched = (args: readonly string[]) =>
  start(args, { env: { ...process.env, ...watched }, stdio: ['pipe', 'pipe', 'pipe'] });

async function watch(running: Running): Promise<void> {
  running.process.kill('SIGUSR2');
  await running.stderrMatch(/watched/);
}

async function serving(args: readonly string[]): Promise<{ running: Running; port: number }> {
  const running = startWatched([...args, '--gdb', '127.0.0.1:0', '--serial', 'null']);
  const [, port] = await running.stderrMatch(/gdb server on 127\.0\.0\.1:(\d+)/);
  await watch(running);
  return { running, port: Number(port) };
}

/** In CI each state meets one of the signals, and both are met. */
const tries = (states: readonly string[]) =>
  states.flatMap((state, i) =>
    (FULL ? SIGNALS : [SIGNALS[i % 2]!]).map(signal => [state, ...signal] as const),
  );

async function enter(state: State, port: number): Promise<void> {
  const client = await state(port);
  await sentinel(port);
  expect(client?.heard ?? '').not.toMatch(/\$(?!O)/);
}

test.each(tries(Object.keys(LIVE)))('serve, while %s: %s ends it', async (state, signal, code) => {
  const folder = scratchFolder();
  const file = join(folder, 'session.bst');
  const { running, port } = await serving([
    'serve',
    image(folder, COUNTER),
    '--memory',
    '2M',
    '--record',
    file,
  ]);
  await enter(LIVE[state]!, port);
  expectOrder(await endBy(running, signal), code);
  expect(await backstub('verify', file)).toMatchObject({ code: 0 });
});

let recordings = '';
let made: Promise<string> | undefined;
afterAll(() => {
  if (recordings !== '') rmSync(recordings, { recursive: true });
});

/** A hundred million steps. */
function longRecording(): Promise<string> {
  made ??= (async () => {
    recordings = mkdtempSync(join(tmpdir(), 'backstub-signals-'));
    const file = join(recordings, 'run.bst');
    const limits = ['--memory', '2M', '--max-icount', '100_000_000', '--serial', 'null'];
    expect((await backstub('record', image(recordings, COUNTER), '-o', file, ...limits)).code).toBe(0);
    return file;
  })();
  return made;
}

test.each(tries(Object.keys(RECORDED)))('replay, while %s: %s ends it', async (state, signal, code) => {
  const args = state.startsWith('it is on its way') ? ['--at', 'end'] : [];
  const { running, port } = await serving(['replay', await longRecording(), '--no-jit', ...args]);
  await enter(RECORDED[state]!, port);
  expectOrder(await endBy(running, signal), code);
});

/** Guests that a recorder has, and what standard output is when the signal comes. */
const RECORDER: readonly (readonly [
  string,
  Uint8Array,
  (running: Running, file: string) => Promise<void>,
])[] = [
  ['computes', COUNTER, (_, file) => grown(file)],
  ['sleeps for ever', SLEEPER, (_, file) => grown(file)],
  ['prints', PRINTER, running => new Promise(resolve => running.process.stdout?.once('data', resolve))],
  [
    'prints what nobody reads',
    PRINTER,
    async running => {
      await new Promise(resolve => running.process.stdout?.once('data', resolve));
      running.process.stdout?.pause();
    },
  ],
];

async function grown(file: string): Promise<void> {
  while (!existsSync(file)) await new Promise(resolve => setTimeout(resolve, 10));
}

test.each(
  RECORDER.flatMap(([guest, program, reached], i) =>
    (FULL ? SIGNALS : [SIGNALS[i % 2]!]).map(signal => [guest, ...signal, program, reached] as const),
  ),
)('record, while the guest %s: %s ends it', async (_, signal, code, program, reached) => {
  const folder = scratchFolder();
  const file = join(folder, 'run.bst');
  const running = startWatched(['record', image(folder, program), '--memory', '2M', '-o', file]);
  await reached(running, file);
  await watch(running);
  const ended = endBy(running, signal);
  if (running.process.stdout?.isPaused()) {
    await new Promise(resolve => running.process.once('exit', resolve));
    running.process.stdout.resume();
  }
  expectOrder(await ended, code);
  expect(await backstub('verify', file)).toMatchObject({ code: 0 });
});

test('a signal that comes twice at once, as from a terminal and from npm, ends in order once', async () => {
  const folder = scratchFolder();
  const file = join(folder, 'run.bst');
  const running = startWatched(['record', image(folder, COUNTER), '--memory', '2M', '-o', file]);
  await grown(file);
  await watch(running);
  // Signals of one kind: which of two kinds arrives first is the kernel's choice.
  expectOrder(await endBy(running, 'SIGINT', 'SIGINT', 'SIGINT'), 130);
  expect((await backstub('info', file)).stdout).toMatch(/^end +stopped at icount \d+ by SIGINT$/m);
  expect(await backstub('verify', file)).toMatchObject({ code: 0 });
});

test.each([
  ['0.0.0.0', '0.0.0.0', true],
  ['[::]', '[::]', true],
  ['127.0.0.1', '127.0.0.1', false],
  ['[::1]', '[::1]', false],
])('serving on %s says who may come', async (host, shown, warned) => {
  const args = ['serve', image(scratchFolder(), SLEEPER), '--memory', '2M', '--serial', 'null'];
  const running = start([...args, '--gdb', `${host}:0`]);
  await running.stderrMatch(/gdb server on \S+:\d+\n/);
  running.process.kill('SIGTERM');
  const { code, stderr } = await running.ended;
  expect(code).toBe(143);
  const [raw, first, second, ...rest] = stderr.trimEnd().split('\n');
  expect(raw).toMatch(/is no ELF file: raw image at 0x80000000$/);
  expect(first?.replace(/\d+$/, '0')).toBe(`backstub: gdb server on ${shown}:0`);
  expect(second).toBe(
    warned
      ? 'backstub: this address is not only for this computer: whoever reaches it controls the machine and may write recordings here'
      : undefined,
  );
  expect(rest).toEqual([]);
});
