/**
 * The packets this stub understands: one table that dispatch, the `qSupported` answer and
 * docs/rsp-packets.md are made of (GDB manual, appendix E "GDB Remote Serial Protocol").
 */

import { bytesToText, hexToBytes, parseHex, parseHexNumber } from './bytes.js';
import type { Command, PointKind, ResumeAction, ThreadSelector, TransferObject } from './command.js';
import { PACKET_SIZE } from './framing.js';

/** What follows the prefix, both as text (one character per byte) and as it came. */
export interface PacketArguments {
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface PacketDefinition {
  readonly prefix: string;
  /** The whole packet is the prefix; otherwise arguments may follow. */
  readonly exact: boolean;
  /** Arguments as shown in the documentation. */
  readonly usage: string;
  /** Words of the `qSupported` answer that announce it. */
  readonly features: readonly string[];
  readonly summary: string;
  /** Undefined when the arguments are malformed. */
  readonly parse: (args: PacketArguments) => Command | undefined;
}

const POINT_KINDS: readonly PointKind[] = ['software', 'hardware', 'write', 'read', 'access'];

function exact(prefix: string, summary: string, command: Command, features: string[] = []): PacketDefinition {
  return { prefix, exact: true, usage: '', features, summary, parse: () => command };
}

function withArguments(
  prefix: string,
  usage: string,
  summary: string,
  parse: (args: PacketArguments) => Command | undefined,
  features: string[] = [],
): PacketDefinition {
  return { prefix, exact: false, usage, features, summary, parse };
}

export const PACKETS: readonly PacketDefinition[] = [
  withArguments(
    'qSupported',
    '[:FEATURE;...]',
    'Features of both sides',
    args => {
      if (args.text !== '' && !args.text.startsWith(':')) return { kind: 'unknown' };
      return { kind: 'supported', clientFeatures: args.text.slice(1).split(';') };
    },
    [`PacketSize=${PACKET_SIZE.toString(16)}`, 'error-message+'],
  ),
  exact('QStartNoAckMode', 'No acknowledgements from here on', { kind: 'start-no-ack-mode' }, [
    'QStartNoAckMode+',
  ]),
  exact('!', 'Extended mode: `run` works', { kind: 'extended-mode' }),
  exact('?', 'Why the machine is halted', { kind: 'stop-reason' }),
  exact('qAttached', 'Always 1, so that leaving detaches', { kind: 'query-attached' }),
  withArguments('qAttached:', 'PID', 'As `qAttached`', () => ({ kind: 'query-attached' })),
  withArguments('vAttach;', 'PID', 'Takes the machine again after a detach', () => ({ kind: 'attach' })),
  exact('D', 'Detach: breakpoints go, machine and history stay', { kind: 'detach' }),
  withArguments('D;', 'PID', 'As `D`', () => ({ kind: 'detach' })),
  exact('k', 'Detach and close; the machine waits for the next debugger', { kind: 'kill' }),
  withArguments('vKill;', 'PID', 'Detach, connection stays', () => ({ kind: 'kill-process' })),
  withArguments('R', 'XX', 'To the start of the history', () => ({ kind: 'restart' })),
  withArguments(
    'vRun;',
    'FILE[;ARGUMENT...]',
    'To the start of the history, or where the argument says (`starti end`; after `run end` gdb goes on from there)',
    parseRun,
  ),

  exact('qfThreadInfo', 'First harts: thread id = hart + 1', { kind: 'list-threads' }),
  exact('qsThreadInfo', 'More harts', { kind: 'list-more-threads' }),
  withArguments('qThreadExtraInfo,', 'THREAD', 'What the hart is doing', args =>
    withThread(args, thread => ({ kind: 'thread-info', thread })),
  ),
  exact('qC', 'Selected hart', { kind: 'current-thread' }),
  withArguments('T', 'THREAD', 'Does the hart exist', args =>
    withThread(args, thread => ({ kind: 'thread-alive', thread })),
  ),
  withArguments('Hg', 'THREAD', 'Selects the hart for registers and memory', args =>
    selectThread('inspect', args),
  ),
  withArguments('Hc', 'THREAD', 'Selects the hart for `s`, `c`, `bs`', args => selectThread('resume', args)),

  exact('g', 'Reads the general registers', { kind: 'read-registers' }),
  withArguments('G', 'HEX', 'Writes the general registers', args => {
    const bytes = hexToBytes(args.text);
    return bytes === undefined ? undefined : { kind: 'write-registers', bytes };
  }),
  withArguments('p', 'REGISTER', 'Reads one register', args => {
    const register = parseHexNumber(args.text);
    return register === undefined ? undefined : { kind: 'read-register', register };
  }),
  withArguments('P', 'REGISTER=HEX', 'Writes one register', parseWriteRegister),

  withArguments('m', 'ADDRESS,LENGTH', 'Reads memory', args => {
    const range = parseRange(args.text);
    return range === undefined ? undefined : { kind: 'read-memory', ...range };
  }),
  withArguments('M', 'ADDRESS,LENGTH:HEX', 'Writes memory', args =>
    parseWriteMemory(args, rest => hexToBytes(bytesToText(rest))),
  ),
  withArguments(
    'x',
    'ADDRESS,LENGTH',
    'Reads memory, binary',
    args => {
      const range = parseRange(args.text);
      return range === undefined ? undefined : { kind: 'read-memory-binary', ...range };
    },
    ['binary-upload+'],
  ),
  withArguments('X', 'ADDRESS,LENGTH:DATA', 'Writes memory, binary', args =>
    parseWriteMemory(args, rest => rest),
  ),
  withArguments('qCRC:', 'ADDRESS,LENGTH', 'CRC-32 of memory (`compare-sections`)', args => {
    const [address, length, ...rest] = args.text.split(',').map(parseHex);
    if (address === undefined || length === undefined || rest.length > 0) return undefined;
    return { kind: 'checksum-memory', address, length };
  }),
  withArguments('qSearch:memory:', 'ADDRESS;LENGTH;PATTERN', 'Searches memory (`find`)', parseSearch),

  withArguments(
    'Z',
    'TYPE,ADDRESS,KIND[;CONDITIONS][;cmds:PERSIST,COMMANDS]',
    'Inserts a break- or watchpoint (types 0 to 4), with agent expressions as conditions and commands',
    args => parsePoint('insert-point', args.text),
    ['ConditionalBreakpoints+', 'BreakpointCommands+'],
  ),
  withArguments(
    'z',
    'TYPE,ADDRESS,KIND',
    'Removes a break- or watchpoint',
    args => parsePoint('remove-point', args.text),
    ['swbreak+', 'hwbreak+'],
  ),

  exact('vCont?', 'Actions of `vCont`', { kind: 'query-resume-actions' }, ['vContSupported+']),
  withArguments('vCont;', 'ACTION[:THREAD]...', 'Resumes forwards: c, C, s, S, r', parseVCont),
  withArguments('c', '[ADDRESS]', 'Continues', args => resumeAt(false, args.text)),
  withArguments('C', 'SIGNAL[;ADDRESS]', 'Continues; the signal is ignored', args =>
    resumeWithSignal(false, args.text),
  ),
  withArguments('s', '[ADDRESS]', 'Steps', args => resumeAt(true, args.text)),
  withArguments('S', 'SIGNAL[;ADDRESS]', 'Steps; the signal is ignored', args =>
    resumeWithSignal(true, args.text),
  ),
  exact('bs', 'One step backwards', { kind: 'reverse-step' }, ['ReverseStep+']),
  exact('bc', 'Continues backwards', { kind: 'reverse-continue' }, ['ReverseContinue+']),

  transfer('features', 'target.xml: the registers'),
  transfer('memory-map', 'Memory regions'),
  transfer('threads', 'All harts and what they are doing'),
  withArguments('qRcmd,', 'HEX', '`monitor` commands', args => {
    const bytes = hexToBytes(args.text);
    return bytes === undefined ? undefined : { kind: 'monitor', text: new TextDecoder().decode(bytes) };
  }),
];

const BY_LENGTH = [...PACKETS].sort((a, b) => b.prefix.length - a.prefix.length);

/** Finds the packet with the longest matching prefix and parses its arguments. */
export function parseCommand(body: Uint8Array): Command {
  const text = bytesToText(body);
  const packet = BY_LENGTH.find(({ prefix, exact }) => (exact ? text === prefix : text.startsWith(prefix)));
  if (packet === undefined) return { kind: 'unknown' };
  const { prefix } = packet;
  const args = { text: text.slice(prefix.length), bytes: body.subarray(prefix.length) };
  return packet.parse(args) ?? { kind: 'malformed', prefix };
}

/** The answer to `qSupported`. */
export function supportedFeatures(): string {
  return PACKETS.flatMap(packet => packet.features).join(';');
}

function transfer(object: TransferObject, summary: string): PacketDefinition {
  return withArguments(
    `qXfer:${object}:read:`,
    'ANNEX:OFFSET,LENGTH',
    summary,
    args => {
      const match = /^([^:]*):([0-9a-fA-F]+),([0-9a-fA-F]+)$/.exec(args.text);
      const offset = parseHexNumber(match?.[2]);
      const length = parseHexNumber(match?.[3]);
      if (offset === undefined || length === undefined) return undefined;
      return { kind: 'transfer', object, annex: match![1]!, offset, length };
    },
    [`qXfer:${object}:read+`],
  );
}

function parseRange(text: string): { address: bigint; length: number } | undefined {
  const [addressText, lengthText, ...rest] = text.split(',');
  const address = parseHex(addressText);
  const length = parseHexNumber(lengthText);
  return address === undefined || length === undefined || rest.length > 0 ? undefined : { address, length };
}

function parseWriteMemory(
  args: PacketArguments,
  decode: (rest: Uint8Array) => Uint8Array | undefined,
): Command | undefined {
  const colon = args.text.indexOf(':');
  if (colon < 0) return undefined;
  const range = parseRange(args.text.slice(0, colon));
  const bytes = decode(args.bytes.subarray(colon + 1));
  if (range === undefined || bytes === undefined || bytes.length !== range.length) return undefined;
  return { kind: 'write-memory', address: range.address, bytes };
}

function parseWriteRegister(args: PacketArguments): Command | undefined {
  const [number, value, ...rest] = args.text.split('=');
  const register = parseHexNumber(number);
  const bytes = value ? hexToBytes(value) : undefined;
  if (register === undefined || bytes === undefined || rest.length > 0) return undefined;
  return { kind: 'write-register', register, bytes };
}

function parseSearch(args: PacketArguments): Command | undefined {
  const match = /^([0-9a-fA-F]+);([0-9a-fA-F]+);/.exec(args.text);
  const address = parseHex(match?.[1]);
  const length = parseHex(match?.[2]);
  if (match === null || address === undefined || length === undefined) return undefined;
  const pattern = args.bytes.subarray(match[0].length);
  return pattern.length === 0 ? undefined : { kind: 'search-memory', address, length, pattern };
}

function parsePoint(kind: 'insert-point' | 'remove-point', text: string): Command | undefined {
  const [place, ...lists] = text.split(';');
  const [type, addressText, lengthText, ...rest] = place!.split(',');
  if (type !== undefined && /^[5-9]$/.test(type)) return { kind: 'unknown' };
  const point = /^[0-4]$/.test(type ?? '') ? POINT_KINDS[Number(type)] : undefined;
  const address = parseHex(addressText);
  const length = parseHexNumber(lengthText);
  if (point === undefined || address === undefined || length === undefined || rest.length > 0)
    return undefined;
  const conditions: Uint8Array[] = [];
  const commands: Uint8Array[] = [];
  for (const list of lists) {
    const cmds = /^cmds:[0-9a-fA-F]+,/.exec(list);
    const expressions = parseExpressions(cmds === null ? list : list.slice(cmds[0].length));
    if (expressions === undefined) return undefined;
    (cmds === null ? conditions : commands).push(...expressions);
  }
  return { kind, point, address, length, conditions, commands };
}

/** `XLENGTH,HEX`, any number of them with nothing in between. */
function parseExpressions(text: string): Uint8Array[] | undefined {
  const expressions: Uint8Array[] = [];
  for (let rest = text; rest !== ''; ) {
    const head = /^X([0-9a-fA-F]+),/.exec(rest);
    const length = parseHexNumber(head?.[1]);
    if (head === null || length === undefined) return undefined;
    const end = head[0].length + 2 * length;
    const bytes = hexToBytes(rest.slice(head[0].length, end));
    if (bytes?.length !== length) return undefined;
    expressions.push(bytes);
    rest = rest.slice(end);
  }
  return expressions;
}

/** Also takes the multiprocess form `pPID.THREAD`, although it is not announced. */
function parseThread(text: string): ThreadSelector | undefined {
  const id = text.startsWith('p') ? (text.split('.')[1] ?? '-1') : text;
  if (id === '-1') return 'all';
  const thread = parseHexNumber(id);
  return thread === 0 ? 'any' : thread;
}

function withThread(args: PacketArguments, make: (thread: number) => Command): Command | undefined {
  const thread = parseThread(args.text);
  return typeof thread === 'number' ? make(thread) : undefined;
}

function selectThread(purpose: 'inspect' | 'resume', args: PacketArguments): Command | undefined {
  const thread = parseThread(args.text);
  return thread === undefined ? undefined : { kind: 'select-thread', purpose, thread };
}

function parseVCont(args: PacketArguments): Command | undefined {
  const actions: ResumeAction[] = [];
  for (const text of args.text.split(';')) {
    const action = parseAction(text);
    if (action === undefined) return undefined;
    actions.push(action);
  }
  return { kind: 'resume', actions };
}

function parseAction(text: string): ResumeAction | undefined {
  const [verb, threadText, ...rest] = text.split(':');
  const thread = threadText === undefined ? 'all' : parseThread(threadText);
  if (thread === undefined || rest.length > 0) return undefined;
  if (verb === 'c' || /^C[0-9a-fA-F]{2}$/.test(verb!)) return { kind: 'continue', thread };
  if (verb === 's' || /^S[0-9a-fA-F]{2}$/.test(verb!)) return { kind: 'step', thread };
  const range = /^r([0-9a-fA-F]+),([0-9a-fA-F]+)$/.exec(verb!);
  const start = parseHex(range?.[1]);
  const end = parseHex(range?.[2]);
  return start === undefined || end === undefined ? undefined : { kind: 'range-step', start, end, thread };
}

function resumeAt(step: boolean, text: string): Command | undefined {
  if (text === '') return { kind: 'resume-selected', step, address: undefined };
  const address = parseHex(text);
  return address === undefined ? undefined : { kind: 'resume-selected', step, address };
}

function resumeWithSignal(step: boolean, text: string): Command | undefined {
  const match = /^[0-9a-fA-F]{2}(?:;(.*))?$/.exec(text);
  return match === null ? undefined : resumeAt(step, match[1] ?? '');
}

function parseRun(args: PacketArguments): Command | undefined {
  const words: string[] = [];
  for (const field of args.text.split(';')) {
    const bytes = hexToBytes(field);
    if (bytes === undefined) return undefined;
    words.push(bytesToText(bytes));
  }
  const [program, ...programArguments] = words;
  return { kind: 'run', program: program ?? '', arguments: programArguments };
}
