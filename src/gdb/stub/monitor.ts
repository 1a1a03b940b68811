/** The `monitor` commands: one table for dispatch and for `monitor help`. */

import { InputError } from '../../state/input-error.js';
import { printable, printableLines } from '../../state/printable.js';
import { type DebugTarget, type SnapshotStatus, TargetError } from '../../timeline/debug-target.js';
import { parseMoment } from '../../timeline/moment-text.js';
import { type MonitorAnswer, type MonitorCommand, type MonitorContext, required } from './monitor-command.js';
import { WATCH_CONDITION } from './monitor-condition.js';
import { HISTORY_COMMANDS } from './monitor-history.js';
import { INPUT_COMMANDS } from './monitor-input.js';
import { QUESTION_COMMANDS } from './monitor-questions.js';
import { SEMIHOSTING_OUTPUT } from './monitor-semihosting.js';

const EVENTS_SHOWN = 20;
/** A recording of a day holds millions: `backstub events` prints them all. */
const MOST_EVENTS_SHOWN = 10_000;
const LONGEST_NAME = 100;

const COMMANDS: readonly MonitorCommand[] = [
  { name: 'help', usage: '', summary: 'this list', run: () => ({ text: help() }) },
  {
    name: 'info replay',
    usage: '',
    summary: 'mode, position and bounds of the history',
    run: ({ target }) => ({ text: describeReplay(target) }),
  },
  {
    name: 'info registers',
    usage: '',
    summary: 'all registers of the selected hart',
    run: context => ({ text: describeRegisters(context) }),
  },
  {
    name: 'info mtree',
    usage: '',
    summary: 'memory map of the board',
    run: ({ target }) => ({ text: describeMemory(target) }),
  },
  {
    name: 'icount',
    usage: '',
    summary: 'steps executed up to here',
    run: ({ target }) => ({ text: String(target.status().icount) }),
  },
  { name: 'goto', usage: 'ICOUNT|NAME|start|end', summary: 'moves to a moment of the history', run: goTo },
  { name: 'replay_seek', usage: 'ICOUNT', summary: "as goto, QEMU's name", run: goTo },
  {
    name: 'replay_break',
    usage: 'ICOUNT',
    summary: 'stops there once when running forwards',
    run: ({ target }, argument) => {
      const icount = parseMoment(required(argument, 'replay_break ICOUNT'));
      if (typeof icount !== 'number') throw new TargetError(`"${argument}" is no icount`);
      target.stopAtIcount(icount);
      return { text: `will stop at icount ${icount}` };
    },
  },
  {
    name: 'replay_delete_break',
    usage: '',
    summary: 'takes replay_break back',
    run: ({ target }) => {
      target.stopAtIcount(undefined);
      return { text: 'no icount to stop at' };
    },
  },
  WATCH_CONDITION,
  {
    name: 'set step-over-interrupts',
    usage: 'on|off',
    summary: 'steps, in both directions, hide interrupt handlers',
    run: ({ target }, argument) => {
      if (argument !== 'on' && argument !== 'off') {
        throw new TargetError(`"${argument}" is neither on nor off; it is ${onOff(target)}`);
      }
      target.stepOverInterrupts = argument === 'on';
      return { text: `step-over-interrupts is ${onOff(target)}` };
    },
  },
  SEMIHOSTING_OUTPUT,
  {
    name: 'snapshot save',
    usage: 'NAME',
    summary: 'names this moment',
    run: ({ target }, name) => {
      const moment = parseMoment(required(name, 'snapshot save NAME'));
      if (typeof moment !== 'object')
        throw new TargetError(`${name} cannot be a name: goto reads it otherwise`);
      if (name.length > LONGEST_NAME || printable(name) !== name) {
        throw new TargetError(`a name has at most ${LONGEST_NAME} characters, none of them for control`);
      }
      target.saveSnapshot(name);
      return { text: `snapshot ${name} saved at icount ${target.status().icount}` };
    },
  },
  {
    name: 'snapshot list',
    usage: '',
    summary: 'snapshots: icount, pages, bytes in memory and on disk, name',
    run: ({ target }) => ({ text: describeSnapshots(target) }),
  },
  {
    name: 'snapshot delete',
    usage: 'NAME',
    summary: 'forgets a named moment',
    run: ({ target }, name) => {
      target.deleteSnapshot(required(name, 'snapshot delete NAME'));
      return { text: `snapshot ${name} deleted` };
    },
  },
  {
    name: 'events',
    usage: '[COUNT|all]',
    summary: `recorded inputs, the last ${EVENTS_SHOWN} unless told otherwise`,
    run: ({ target }, argument) => ({ text: describeEvents(target, argument) }),
  },
  {
    name: 'type',
    usage: 'TEXT',
    summary: "types TEXT and Enter on the guest's console, at the live end",
    run: ({ target }, text) => {
      target.typeConsole(new TextEncoder().encode(`${text}\r`));
      return { text: 'typed; the guest reads it when it runs' };
    },
  },
  {
    name: 'reset',
    usage: '',
    summary: 'board reset as an input event, at the live end',
    run: ({ target }) => {
      target.reset();
      return { text: 'the board is reset', moved: true };
    },
  },
  ...INPUT_COMMANDS,
  ...HISTORY_COMMANDS,
  ...QUESTION_COMMANDS,
];

/** Characters of an error's line. */
const LONGEST_LINE = 400;

interface FoundCommand {
  readonly command: MonitorCommand;
  readonly argument: string;
}

const STALE_ADVICE =
  'gdb still shows the old moment: type "maintenance flush register-cache" and "maintenance flush dcache"';

/** Runs one command line. What went wrong is in the text as well; only unexpected errors are thrown. */
export async function runMonitorCommand(line: string, context: MonitorContext): Promise<string> {
  const found = findCommand(line.trim());
  if (found === undefined) return unknownCommand(line.trim());
  const { command, argument } = found;
  if (command.usage === '' && argument !== '') {
    return `"${command.name}" takes no argument, not "${inOneLine(argument)}"\n`;
  }
  const text = await answer(found, context);
  return [...context.target.takeNotices().map(notice => `${notice}\n`), text].join('');
}

async function answer({ command, argument }: FoundCommand, context: MonitorContext): Promise<string> {
  try {
    const { text, moved } = await command.run(context, argument);
    return `${printableLines(text)}\n${moved ? `${STALE_ADVICE}\n` : ''}`;
  } catch (error) {
    if (error instanceof TargetError || error instanceof InputError) {
      return `${command.name}: ${inOneLine(error.message)}\n`;
    }
    throw error;
  }
}

/** Users name things of any length and with any characters: what comes back is one line that a terminal shows. */
function inOneLine(text: string): string {
  const line = printable(text);
  return line.length > LONGEST_LINE
    ? `${line.slice(0, LONGEST_LINE / 2)} ... ${line.slice(-LONGEST_LINE / 2)}`
    : line;
}

/** The argument keeps its inner spaces. */
function findCommand(line: string): FoundCommand | undefined {
  for (const command of COMMANDS) {
    const match = new RegExp(`^${command.name.replace(' ', '\\s+')}(?:\\s+|$)`).exec(line);
    if (match !== null) return { command, argument: line.slice(match[0].length) };
  }
  return undefined;
}

async function goTo({ target }: MonitorContext, argument: string): Promise<MonitorAnswer> {
  await target.seek(parseMoment(required(argument, 'goto ICOUNT|NAME|start|end')));
  return { text: `at icount ${target.status().icount}`, moved: true };
}

const onOff = (target: DebugTarget) => (target.stepOverInterrupts ? 'on' : 'off');

function help(): string {
  const rows = COMMANDS.map(({ name, usage, summary }) => [`${name} ${usage}`.trim(), summary] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, summary]) => `${left.padEnd(width)}  ${summary}`).join('\n');
}

function unknownCommand(line: string): string {
  if (line === '') return `${help()}\n`;
  const related = COMMANDS.filter(({ name }) => name.startsWith(`${line.split(' ')[0]} `));
  const hint = related.length > 0 ? `; there is ${related.map(({ name }) => name).join(', ')}` : '';
  return `unknown monitor command "${inOneLine(line)}"${hint}; "monitor help" lists all\n`;
}

function describeReplay(target: DebugTarget): string {
  const { mode, icount, begin, end, beginsAt, virtualNs, recording, recordedEnd, powerOff } = target.status();
  const lines = [
    `mode: ${mode}${mode === 'live' ? ' (running past the end goes on and is recorded)' : ''}`,
    `icount: ${icount} of ${begin}..${end}`,
    `virtual time: ${(virtualNs / 1e9).toFixed(9)} s`,
    `recording: ${recording === undefined ? 'none' : printable(recording)}`,
  ];
  if (begin > 0) {
    const name = beginsAt === undefined ? '' : `, snapshot ${beginsAt}`;
    lines.splice(2, 0, `begins at icount ${begin}${name}: what came before is not here`);
  }
  if (recordedEnd !== undefined) lines.push(`the recording ends so: ${printable(recordedEnd)}`);
  if (powerOff !== undefined) lines.push(`the guest powered off with code ${powerOff.code}`);
  return lines.join('\n');
}

function describeRegisters({ target, registers, hart }: MonitorContext): string {
  const all = registers.names();
  const width = Math.max(0, ...all.map(({ name }) => name.length));
  const lines = all.map(({ name, number, bits }) => {
    const bytes = target.readRegister(hart, number);
    const digits = bytes === undefined ? undefined : bigEndianHex(bytes);
    return `${name.padEnd(width)} ${digits ?? '-'.repeat(bits / 4)}`;
  });
  return [`hart ${hart}`, ...lines].join('\n');
}

function bigEndianHex(littleEndian: Uint8Array): string {
  let text = '';
  for (const byte of littleEndian) text = byte.toString(16).padStart(2, '0') + text;
  return text;
}

function describeMemory(target: DebugTarget): string {
  return target
    .memoryMap()
    .map(({ start, length, kind, name }) => {
      const last = start + length - 1n;
      return `${hex64(start)}-${hex64(last)} ${kind.padEnd(4)} ${name}`;
    })
    .join('\n');
}

function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

function describeSnapshots(target: DebugTarget): string {
  const snapshots = target.snapshots();
  if (snapshots.length === 0) return 'no snapshots';
  const where = ({ bytes, diskBytes }: Pick<SnapshotStatus, 'bytes' | 'diskBytes'>) =>
    diskBytes === 0 ? `${bytes} bytes` : `${bytes} bytes in memory, ${diskBytes} bytes on disk`;
  const lines = snapshots.map(status => {
    const { name, icount, pages } = status;
    return `icount ${icount}, ${pages} pages, ${where(status)}${name === undefined ? '' : `, ${name}`}`;
  });
  const sum = (key: 'bytes' | 'diskBytes') => snapshots.reduce((total, status) => total + status[key], 0);
  if (sum('diskBytes') > 0) {
    lines.push(`together: ${where({ bytes: sum('bytes'), diskBytes: sum('diskBytes') })}`);
  }
  return lines.join('\n');
}

function describeEvents(target: DebugTarget, argument: string): string {
  const count = argument === '' ? EVENTS_SHOWN : argument === 'all' ? Number.POSITIVE_INFINITY : +argument;
  if (!(count >= 0)) throw new TargetError(`"${argument}" is no count; usage: events [COUNT|all]`);
  const most = Math.min(count, MOST_EVENTS_SHOWN);
  const events = target.events(most);
  const total = target.eventCount ?? events.length;
  if (total === 0) return 'no events';
  const shown = most === 0 ? [] : events.slice(-most);
  const lines = shown.map(({ icount, text }) => `${icount} ${text}`);
  if (shown.length < total) lines.unshift(`last ${shown.length} of ${total}:`);
  return lines.join('\n');
}
