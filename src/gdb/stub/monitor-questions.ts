/** Monitor commands that ask about the whole history. */
import { type DebugTarget, TargetError } from '../../timeline/debug-target.js';
import type {
  Answer,
  FoundStep,
  FoundWrite,
  QuestionOps,
  WritesAnswer,
} from '../../timeline/search/question-ops.js';
import {
  type MonitorAnswer,
  type MonitorCommand,
  type MonitorContext,
  required,
  whereNamesAre,
} from './monitor-command.js';

const RECORDS_SHOWN = 20;
/** A text that is looked for in what was printed. */
const LONGEST_TEXT = 1024;

/** A line of an answer, and the same as data for `--json`. */
interface Row {
  readonly text: string;
  readonly data: Readonly<Record<string, string | number>>;
}

export const QUESTION_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'last-write',
    usage: '[--json] ADDR|SYMBOL [LEN]',
    summary: 'the last write before here, with the bytes before and after it',
    run: async (context, argument) => {
      const { target, hart, progress } = context;
      const { json, words } = split(argument);
      const { address, length } = place(target, words, 'last-write ADDR|SYMBOL [LEN]');
      const answer = await questions(target).lastWrite(address, length, { hart, progress });
      return shown(answer, writeRows(context, answer), json, [
        ...notWritten(answer, 'before here'),
        spaceOf(answer, address),
      ]);
    },
  },
  {
    name: 'writes',
    usage: '[--json] ADDR|SYMBOL [LEN]',
    summary: `writes in the whole history, the last ${RECORDS_SHOWN} (10000 with --json)`,
    run: async (context, argument) => {
      const { target, hart, progress } = context;
      const { json, words } = split(argument);
      const { address, length } = place(target, words, 'writes ADDR|SYMBOL [LEN]');
      const limit = json ? undefined : RECORDS_SHOWN;
      const answer = await questions(target).writes(address, length, { hart, progress, limit });
      return shown(answer, writeRows(context, answer), json, [
        ...notWritten(answer, ''),
        spaceOf(answer, address),
      ]);
    },
  },
  {
    name: 'first-exec',
    usage: '[--json] ADDR|SYMBOL',
    summary: 'the first time the instruction there runs',
    run: async ({ target, progress }, argument) => {
      const { json, words } = split(argument);
      const { address } = place(target, words, 'first-exec ADDR|SYMBOL');
      const answer = await questions(target).firstExecution(address, { progress });
      return shown(answer, stepRows(target, answer), json, nothing(answer, 'executed', ''));
    },
  },
  {
    name: 'irq-history',
    usage: '[--json]',
    summary: `interrupts that were taken, the last ${RECORDS_SHOWN} (10000 with --json)`,
    run: async ({ target, progress }, argument) => {
      const { json } = split(argument);
      const limit = json ? undefined : RECORDS_SHOWN;
      const answer = await questions(target).interrupts({ limit, progress });
      const rows = answer.found.map(one => {
        const { text, data } = stepRow(target, one);
        return { text: `${text}  interrupt ${one.cause}`, data: { ...data, cause: one.cause } };
      });
      const since = answer.begin > 0 ? ` since icount ${answer.begin}, where this history begins` : '';
      const none = answer.found.length > 0 || answer.interrupted ? [] : [`no interrupt was taken${since}`];
      return shown(answer, rows, json, none);
    },
  },
  {
    name: 'who-printed',
    usage: '[--json] TEXT',
    summary: 'the step that printed the end of TEXT, the last time before here',
    run: async ({ target, progress }, argument) => {
      const json = argument.startsWith('--json ');
      const text = required(json ? argument.slice('--json '.length) : argument, 'who-printed TEXT');
      if (text.length > LONGEST_TEXT) {
        throw new TargetError(
          `the text has ${text.length} characters: at most ${LONGEST_TEXT} are looked for`,
        );
      }
      const answer = await questions(target).whoPrinted(text, { progress });
      return shown(answer, stepRows(target, answer), json, nothing(answer, 'printed', 'before here'));
    },
  },
];

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
  if (symbol === undefined && !/^(0x[0-9a-fA-F]{1,16}|[0-9]{1,20})$/.test(text)) {
    throw new TargetError(`${text} is neither an address nor a symbol${whereNamesAre(target)}`);
  }
  const bytes = length === undefined ? Math.max(1, symbol?.size ?? 1) : Number(length);
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new TargetError(`${length} is no length in bytes`);
  return { address: symbol?.address ?? BigInt(text), length: bytes };
}

const stepRows = (target: DebugTarget, { found }: Answer<FoundStep>) =>
  found.map(one => stepRow(target, one));

function stepRow(target: DebugTarget, { icount, hart, pc }: FoundStep): Row {
  const symbol = target.symbols?.describe(pc);
  const where = `0x${pc.toString(16)}`;
  return {
    text: `icount ${icount}  hart ${hart}  pc ${where}${symbol === undefined ? '' : ` ${symbol}`}`,
    data: { icount, hart, pc: where, ...(symbol === undefined ? {} : { symbol }) },
  };
}

const writeRows = ({ target }: MonitorContext, { found, physical }: WritesAnswer) =>
  found.map(one => writeRow(target, one, physical === undefined));

function writeRow(target: DebugTarget, found: FoundWrite, unmapped: boolean): Row {
  const { by, icount, through, elsewhere, image } = found;
  const { text, data } = stepRow(target, found);
  const [before, after] = [hex(found.old), hex(found.new)];
  const who = {
    instruction: text,
    device: `icount ${icount}  by a device (DMA)`,
    debugger: `icount ${icount}  by the debugger`,
    reset: `icount ${icount}  by a reset, which loads the firmware again`,
    'page-walk': `${text}  (A and D bits of a page-table entry)`,
    load: `icount ${icount}  loaded from ${image ?? 'an image'}`,
  }[by];
  const remarks = [
    ...(through === undefined ? [] : [`written through 0x${through.toString(16)}, the same memory`]),
    ...(elsewhere === undefined
      ? []
      : [`physical 0x${elsewhere.toString(16)}${unmapped ? '' : ', other memory than now'}`]),
  ];
  return {
    text: [`${who}  ${before} -> ${after}`, ...remarks].join('  '),
    data: {
      ...data,
      by,
      old: before,
      new: after,
      ...(through === undefined ? {} : { through: `0x${through.toString(16)}` }),
      ...(elsewhere === undefined ? {} : { physical: `0x${elsewhere.toString(16)}` }),
      ...(image === undefined ? {} : { image }),
    },
  };
}

/** As a number, most significant byte first. */
function hex(bytes: Uint8Array): string {
  let digits = '';
  for (const byte of bytes) digits = byte.toString(16).padStart(2, '0') + digits;
  return digits === '' ? 'nothing' : `0x${digits}`;
}

/** What "never" is said of: the history that there is. */
function nothing(answer: Answer<unknown>, what: string, until: string): string[] {
  const { found, begin, interrupted, rememberedFrom } = answer;
  if (found.length > 0 || interrupted !== undefined) return [];
  const words = until === '' ? '' : ` ${until}`;
  if (rememberedFrom !== undefined)
    return [`not ${what}${words} since icount ${rememberedFrom}: what was ${what} earlier is not remembered`];
  return begin === 0
    ? [`never ${what}${words}`]
    : [`not ${what}${words} since icount ${begin}, where this history begins`];
}

function notWritten(answer: WritesAnswer, until: string): string[] {
  const { found } = answer;
  const onlyLoaded = found.length > 0 && found.every(({ by }) => by === 'load');
  return onlyLoaded ? ['not written since'] : nothing(answer, 'written', until);
}

/** Whose address it was, and what is there. */
function spaceOf({ hart, physical }: WritesAnswer, address: bigint): string {
  const where = `0x${address.toString(16)} as hart ${hart} sees it now`;
  return physical === undefined
    ? `${where} is no memory: these are stores to that address in any address space`
    : `${where}: physical 0x${physical.toString(16)}`;
}

function shown(
  { interrupted }: Answer<unknown>,
  rows: readonly Row[],
  json: boolean,
  remarks: readonly string[],
): MonitorAnswer {
  const parts = interrupted?.filter(({ from, to }) => to > from).map(({ from, to }) => `${from} to ${to}`);
  if (json) {
    const cut = parts === undefined ? [] : [{ interrupted: true, searched: parts.join(', ') }];
    return { text: JSON.stringify([...rows.map(({ data }) => data), ...cut]) };
  }
  const only =
    parts === undefined || parts.length === 0
      ? 'nothing was searched'
      : `only icount ${parts.join(' and ')} was searched`;
  const cut = parts === undefined ? [] : [`interrupted: ${only}`];
  return { text: [...rows.map(({ text }) => text), ...remarks, ...cut].join('\n') };
}
