/** Monitor commands about the whole history: branches, questions, saving it. */
import {
  type BranchOps,
  type DebugTarget,
  type FoundStep,
  type FoundWrite,
  type QuestionOps,
  TargetError,
} from '../../timeline/debug-target.js';
import { parseMoment } from '../../timeline/moment-text.js';
import { type MonitorCommand, required, whereNamesAre } from './monitor-command.js';

const RECORDS_SHOWN = 20;

/** A line of an answer, and the same as data for `--json`. */
interface Row {
  readonly text: string;
  readonly data: Readonly<Record<string, string | number>>;
}

export const HISTORY_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'branch list',
    usage: '',
    summary: 'courses of events: the real one, and those that changes in the past began',
    run: ({ target }) => ({
      text: branches(target)
        .list()
        .map(({ name, parent, forkedAt, end, current }) => {
          const from = parent === undefined ? '' : `, left ${parent} at icount ${forkedAt}`;
          return `${current ? '*' : ' '} ${name}${from}, ends at icount ${end}`;
        })
        .join('\n'),
    }),
  },
  {
    name: 'branch switch',
    usage: 'NAME',
    summary: 'goes to the end of another branch',
    run: async ({ target }, name) => {
      await branches(target).switchTo(required(name, 'branch switch NAME'));
      return { text: `on ${name}, at icount ${target.status().icount}`, moved: true };
    },
  },
  {
    name: 'branch drop',
    usage: 'NAME',
    summary: 'forgets a branch',
    run: ({ target }, name) => {
      branches(target).drop(required(name, 'branch drop NAME'));
      return { text: `${name} dropped` };
    },
  },
  {
    name: 'history save',
    usage: 'FILE [from ICOUNT|NAME]',
    summary: 'writes the history as a recording, from its beginning or from a moment on',
    run: async ({ target }, argument) => {
      if (target.saveHistory === undefined) throw new TargetError('this target cannot save its history');
      const [, path, from] = /^(.*\S)\s+from\s+(\S.*)$/.exec(argument) ?? [undefined, argument, undefined];
      await target.saveHistory(required(path, 'history save FILE [from ICOUNT|NAME]'), {
        from: from === undefined ? undefined : parseMoment(from),
      });
      return { text: `history saved to ${path}${from === undefined ? '' : `, from ${from} on`}` };
    },
  },
  {
    name: 'last-write',
    usage: '[--json] ADDR|SYMBOL [LEN]',
    summary: 'the last write before here, with the bytes before and after it',
    run: async ({ target }, argument) => {
      const { json, words } = split(argument);
      const { address, length } = place(target, words, 'last-write ADDR|SYMBOL [LEN]');
      const found = await questions(target).lastWrite(address, length);
      return answer(found === undefined ? [] : [writeRow(target, found)], json, 'never written before here');
    },
  },
  {
    name: 'writes',
    usage: '[--json] ADDR|SYMBOL [LEN]',
    summary: `writes in the whole history, the last ${RECORDS_SHOWN} (all with --json)`,
    run: async ({ target }, argument) => {
      const { json, words } = split(argument);
      const { address, length } = place(target, words, 'writes ADDR|SYMBOL [LEN]');
      const found = await questions(target).writes(address, length, json ? undefined : RECORDS_SHOWN);
      return answer(
        found.map(one => writeRow(target, one)),
        json,
        'never written',
      );
    },
  },
  {
    name: 'first-exec',
    usage: '[--json] ADDR|SYMBOL',
    summary: 'the first time the instruction there runs',
    run: async ({ target }, argument) => {
      const { json, words } = split(argument);
      const { address } = place(target, words, 'first-exec ADDR|SYMBOL');
      const found = await questions(target).firstExecution(address);
      return answer(found === undefined ? [] : [stepRow(target, found)], json, 'never executed');
    },
  },
  {
    name: 'irq-history',
    usage: '[--json]',
    summary: `interrupts that were taken, the last ${RECORDS_SHOWN} (all with --json)`,
    run: async ({ target }, argument) => {
      const { json } = split(argument);
      const found = await questions(target).interrupts(json ? undefined : RECORDS_SHOWN);
      const rows = found.map(one => {
        const { text, data } = stepRow(target, one);
        return { text: `${text}  interrupt ${one.cause}`, data: { ...data, cause: one.cause } };
      });
      return answer(rows, json, 'no interrupt was taken');
    },
  },
  {
    name: 'who-printed',
    usage: '[--json] TEXT',
    summary: 'the step that printed the end of TEXT, the last time before here',
    run: async ({ target }, argument) => {
      const json = argument.startsWith('--json ');
      const text = required(json ? argument.slice('--json '.length) : argument, 'who-printed TEXT');
      const found = await questions(target).whoPrinted(text);
      return answer(found === undefined ? [] : [stepRow(target, found)], json, 'not printed before here');
    },
  },
];

function branches(target: DebugTarget): BranchOps {
  if (target.branches === undefined) throw new TargetError('this target has no branches');
  return target.branches;
}

function questions(target: DebugTarget): QuestionOps {
  if (target.questions === undefined) throw new TargetError('this target does not answer questions');
  return target.questions;
}

function split(argument: string): { json: boolean; words: string[] } {
  const words = argument.split(/\s+/).filter(word => word !== '');
  return { json: words.includes('--json'), words: words.filter(word => word !== '--json') };
}

/** An address in hex or decimal, or a symbol; and a length, of the symbol or 1 when not given. */
function place(
  target: DebugTarget,
  [where, length]: readonly string[],
  usage: string,
): { address: bigint; length: number } {
  const text = required(where ?? '', usage);
  const symbol = target.symbols?.find(text);
  if (symbol === undefined && !/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text)) {
    throw new TargetError(`${text} is neither an address nor a symbol${whereNamesAre(target)}`);
  }
  const bytes = length === undefined ? Math.max(1, symbol?.size ?? 1) : Number(length);
  if (!Number.isInteger(bytes) || bytes < 1) throw new TargetError(`${length} is no length in bytes`);
  return { address: symbol?.address ?? BigInt(text), length: bytes };
}

function stepRow(target: DebugTarget, { icount, hart, pc }: FoundStep): Row {
  const symbol = target.symbols?.describe(pc);
  const where = `0x${pc.toString(16)}`;
  return {
    text: `icount ${icount}  hart ${hart}  pc ${where}${symbol === undefined ? '' : ` ${symbol}`}`,
    data: { icount, hart, pc: where, ...(symbol === undefined ? {} : { symbol }) },
  };
}

function writeRow(target: DebugTarget, found: FoundWrite): Row {
  const { text, data } = stepRow(target, found);
  const [before, after] = [hex(found.old), hex(found.new)];
  return { text: `${text}  ${before} -> ${after}`, data: { ...data, old: before, new: after } };
}

/** As a number, most significant byte first. */
function hex(bytes: Uint8Array): string {
  let digits = '';
  for (const byte of bytes) digits = byte.toString(16).padStart(2, '0') + digits;
  return `0x${digits}`;
}

function answer(rows: readonly Row[], json: boolean, none: string): { text: string } {
  if (json) return { text: JSON.stringify(rows.map(({ data }) => data)) };
  return { text: rows.length === 0 ? none : rows.map(({ text }) => text).join('\n') };
}
