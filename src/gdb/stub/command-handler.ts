/** The meaning of each command on a machine with a history. */

import { type AgentTarget, agentAction, agentCondition } from '../../agent/agent-expression.js';
import { printable } from '../../state/printable.js';
import { type DebugStop, type DebugTarget, type Resume, TargetError } from '../../timeline/debug-target.js';
import { parseMoment } from '../../timeline/moment-text.js';
import type { Command, ThreadSelector } from '../rsp/command.js';
import { supportedFeatures } from '../rsp/packets.js';
import { LARGEST_DATA, type Reply } from '../rsp/reply.js';
import { type Answer, EMPTY, isRefusal, OK, reply, text } from './answer.js';
import { documentPart } from './documents.js';
import { type Breathe, checksumMemory, searchMemory } from './memory.js';
import { runMonitorCommand } from './monitor.js';
import { hartOf, resumeOf, reverseOf } from './resume-request.js';
import { haltedReply, type StopContext, stopReply, threadId } from './stop-reply.js';
import { Points } from './target-points.js';
import { Registers } from './target-registers.js';

const ERROR_REFUSED = 0x01;
const ERROR_UNREADABLE = 0x0e;
const ERROR_INVALID = 0x16;

/** After a detach these take the machine again; the others only look or talk about the connection. */
const TAKES_MACHINE: ReadonlySet<Command['kind']> = new Set([
  'attach',
  'stop-reason',
  'restart',
  'run',
  'write-registers',
  'write-register',
  'write-memory',
  'insert-point',
  'resume',
  'resume-selected',
  'reverse-step',
  'reverse-continue',
  'monitor',
]);

const RESUMES = new Set<Command['kind']>(['resume', 'resume-selected', 'reverse-step', 'reverse-continue']);

type AccessKind =
  | 'read-registers'
  | 'write-registers'
  | 'read-register'
  | 'write-register'
  | 'read-memory'
  | 'read-memory-binary'
  | 'write-memory'
  | 'checksum-memory'
  | 'search-memory'
  | 'insert-point'
  | 'remove-point';

/** Bytes of one line of `monitor` output; each takes two characters. */
const CONSOLE_CHUNK = 0x4000;

export class CommandHandler {
  private readonly registers: Registers;
  private readonly points: Points;
  private readonly clientFeatures = new Set<string>();
  private readonly stops: StopContext;
  private selected = 0;
  private resumeThread: ThreadSelector = 'any';
  private binaryPrefix = 'b';
  private attached = false;

  constructor(
    private readonly target: DebugTarget,
    private readonly breathe: Breathe,
    /** Shows text in the debugger's console while the machine runs or a monitor command is under way. */
    private readonly print: (text: string) => void,
  ) {
    this.registers = new Registers(target);
    this.points = new Points(target);
    const { registers, points, clientFeatures } = this;
    this.stops = { registers, points, expedited: target.description.expedited, clientFeatures };
  }

  attach(): void {
    if (this.attached) return;
    this.attached = true;
    this.target.attach();
  }

  detach(): void {
    if (!this.attached) return;
    this.attached = false;
    this.points.clear();
    this.target.detach();
  }

  /**
   * GDB skips what stands between packets and then begins to wait anew; LLDB, which takes it for an answer, says no
   * such word.
   */
  get clientSkipsNoise(): boolean {
    return this.clientFeatures.has('vContSupported+');
  }

  /** GDB is known by its `xmlRegisters`; LLDB says so too. */
  get clientIsGdb(): boolean {
    return [...this.clientFeatures].some(feature => feature.startsWith('xmlRegisters='));
  }

  /** A refusal of the target becomes an error reply; anything else it throws is passed on. */
  async handle(command: Command): Promise<Answer> {
    try {
      return await this.execute(command);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (RESUMES.has(command.kind)) return { replies: this.resumeRefused(error.message) };
      const writes = command.kind.startsWith('write-') || command.kind.endsWith('-point');
      return this.refuse(error.message, ERROR_REFUSED, writes);
    }
  }

  error(text: string, code = ERROR_REFUSED): Reply {
    return this.clientFeatures.has('error-message+')
      ? { kind: 'error', code, text }
      : { kind: 'error', code };
  }

  /** The stop of a resume that an earlier interrupt has ended before it began. */
  interruptedBefore(request: Resume): Reply[] {
    const hart = request.kind === 'continue' ? undefined : request.hart;
    return this.stopped({ kind: 'interrupt', hart: hart ?? this.selected });
  }

  /** Interrupted, the debugger stays with the hart it has selected: all run, and none has caused the stop. */
  stopped(stop: DebugStop): Reply[] {
    if (stop.kind === 'interrupt') return [stopReply({ ...stop, hart: this.selected }, this.stops)];
    this.selected = stop.hart;
    const reply = stopReply(stop, this.stops);
    if (stop.kind === 'moment') {
      return [{ kind: 'console', text: `Reached icount ${stop.icount}.\n` }, reply];
    }
    const end = stop.kind === 'history' ? endText(stop) : undefined;
    return end === undefined ? [reply] : [{ kind: 'console', text: `${end}\n` }, reply];
  }

  resumeRefused(message: string): Reply[] {
    return [{ kind: 'console', text: `${message}\n` }, this.error(message)];
  }

  private async execute(command: Command): Promise<Answer> {
    if (TAKES_MACHINE.has(command.kind)) this.attach();
    switch (command.kind) {
      case 'supported':
        this.clientFeatures.clear();
        for (const feature of command.clientFeatures) this.clientFeatures.add(feature);
        return text(supportedFeatures());
      case 'start-no-ack-mode':
        return { ...OK, outcome: { kind: 'no-acknowledgements' } };
      case 'extended-mode':
        return OK;
      case 'query-attached':
        return text('1');
      case 'attach':
      case 'stop-reason':
        return this.halted();
      case 'detach':
      case 'kill-process':
        this.detach();
        return OK;
      case 'kill':
        return { replies: [], outcome: { kind: 'close' } };
      case 'restart':
        await this.target.seek('start');
        return { replies: [] };
      case 'run':
        return this.run(command.arguments);
      case 'list-threads': {
        const ids = this.target.harts().map(({ hart }) => threadId(hart));
        return text(`m${ids.join(',')}`);
      }
      case 'list-more-threads':
        return text('l');
      case 'thread-info':
        return this.threadInfo(command.thread);
      case 'current-thread':
        return text(`QC${threadId(this.selected)}`);
      case 'thread-alive':
        this.hart(command.thread);
        return OK;
      case 'select-thread':
        return this.selectThread(command.purpose, command.thread);
      case 'query-resume-actions':
        return text('vCont;c;C;s;S;r');
      case 'resume':
        return this.resume(resumeOf(command.actions, this.selected, this.hartCount()));
      case 'resume-selected':
        if (command.address !== undefined) this.registers.writePc(this.selected, command.address);
        return command.step
          ? this.resume({ kind: 'step', direction: 'forward', hart: this.resumeHart() })
          : this.resume({ kind: 'continue', direction: 'forward' });
      case 'reverse-step':
        return this.resume(reverseOf('step', this.resumeHart(), this.hartCount()));
      case 'reverse-continue':
        return this.resume(reverseOf('continue', this.resumeHart(), this.hartCount()));
      case 'transfer':
        return this.transfer(command);
      case 'monitor':
        return this.monitor(command.text);
      case 'unknown':
        return EMPTY;
      case 'malformed':
        return this.refuse(`malformed ${command.prefix} packet`, ERROR_INVALID);
      default:
        return this.access(command);
    }
  }

  /** Registers, memory and points of the selected hart. */
  private access(command: Extract<Command, { kind: AccessKind }>): Answer | Promise<Answer> {
    switch (command.kind) {
      case 'read-registers':
        return reply({ kind: 'registers', values: this.registers.readGeneral(this.selected) });
      case 'write-registers':
        this.registers.writeGeneral(this.selected, command.bytes);
        return OK;
      case 'read-register': {
        const value = this.registers.read(this.selected, command.register);
        if (value === undefined) throw new TargetError(`there is no register number ${command.register}`);
        return reply({ kind: 'registers', values: [value] });
      }
      case 'write-register':
        this.registers.write(this.selected, command.register, command.bytes);
        return OK;
      case 'read-memory':
        return this.readMemory(command.address, command.length);
      case 'read-memory-binary':
        return this.readMemoryBinary(command.address, command.length);
      case 'write-memory':
        if (command.bytes.length > 0) {
          this.target.writeMemory(this.selected, command.address, command.bytes);
        }
        return OK;
      case 'checksum-memory':
        return this.checksum(command.address, command.length);
      case 'search-memory':
        return this.search(command.address, command.length, command.pattern);
      case 'insert-point':
      case 'remove-point':
        return this.changePoint(command);
    }
  }

  private resume(request: Resume): Answer {
    if (request.kind !== 'continue') this.selected = request.hart ?? this.selected;
    return { replies: [], outcome: { kind: 'resume', request } };
  }

  private halted(): Answer {
    return reply(haltedReply(this.selected, this.stops));
  }

  private async run(programArguments: readonly string[]): Promise<Answer> {
    const [where] = programArguments;
    await this.target.seek(where === undefined ? 'start' : parseMoment(where));
    return this.halted();
  }

  private threadInfo(thread: number): Answer {
    const hart = this.hart(thread);
    const status = this.target.harts().find(candidate => candidate.hart === hart);
    return reply({ kind: 'data', bytes: new TextEncoder().encode(status?.text ?? '') });
  }

  private selectThread(purpose: 'inspect' | 'resume', thread: ThreadSelector): Answer {
    const hart = hartOf(thread, this.hartCount());
    if (purpose === 'resume') this.resumeThread = thread;
    else this.selected = hart ?? this.selected;
    return OK;
  }

  private readMemory(address: bigint, length: number): Answer {
    if (length === 0) return this.refuse('a read of no bytes', ERROR_INVALID);
    const bytes = this.target.readMemory(this.selected, address, Math.min(length, LARGEST_DATA));
    return bytes.length > 0 ? reply({ kind: 'data', bytes }) : this.unreadable(address);
  }

  private readMemoryBinary(address: bigint, length: number): Answer {
    if (length === 0) {
      // LLDB's probe for its older dialect, whose data has no prefix.
      this.binaryPrefix = '';
      return OK;
    }
    const bytes = this.target.readMemory(this.selected, address, Math.min(length, LARGEST_DATA));
    return bytes.length > 0
      ? reply({ kind: 'binary', prefix: this.binaryPrefix, bytes })
      : this.unreadable(address);
  }

  private async checksum(address: bigint, length: bigint): Promise<Answer> {
    const crc = await this.walk(breathe =>
      checksumMemory(this.target, { hart: this.selected, address, length }, breathe),
    );
    return crc === undefined ? this.unreadable(address) : text(`C${crc.toString(16).padStart(8, '0')}`);
  }

  private async search(address: bigint, length: bigint, pattern: Uint8Array): Promise<Answer> {
    const result = await this.walk(breathe =>
      searchMemory(this.target, { hart: this.selected, address, length }, pattern, breathe),
    );
    if (result === 'unreadable') return this.unreadable(address);
    return text(result === 'absent' ? '0' : `1,${result.found.toString(16)}`);
  }

  /** Work that takes long and may be told to give up. */
  private async walk<T>(work: (breathe: Breathe) => Promise<T>): Promise<T> {
    let givenUp = false;
    const result = await work(async () => {
      givenUp = !(await this.breathe());
      return !givenUp;
    });
    if (givenUp) throw new TargetError('interrupted');
    return result;
  }

  private changePoint(command: Extract<Command, { kind: 'insert-point' | 'remove-point' }>): Answer {
    const { kind, point, address, length } = command;
    const watches = point !== 'software' && point !== 'hardware';
    if (watches && length === 0) return this.refuse('a watchpoint on no bytes', ERROR_INVALID);
    if (kind === 'remove-point') {
      this.points.remove(point, address, length);
      return OK;
    }
    const agent: AgentTarget = {
      hasRegister: register => this.registers.has(register),
      longBits: this.registers.pcBits,
      tell: this.print,
    };
    const condition = agentCondition(command.conditions, agent);
    if (watches) {
      if (command.commands.length > 0) throw new TargetError('a watchpoint has no commands at the target');
      this.points.insertWatchpoint(point, address, length, condition);
    } else {
      const action = agentAction(command.commands, agent, this.print);
      this.points.insertBreakpoint(point, address, { condition, action });
    }
    return OK;
  }

  private transfer(command: Extract<Command, { kind: 'transfer' }>): Answer {
    const part = documentPart(this.target, command);
    return part === undefined
      ? this.refuse(`there is no ${command.object} document "${command.annex}"`, 0)
      : reply(part);
  }

  private async monitor(line: string): Promise<Answer> {
    const { target, registers, points, selected: hart, print: progress } = this;
    const context = { target, registers, points, hart, progress };
    const output = await runMonitorCommand(line, context).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      return `${error.message}\n`;
    });
    const replies: Reply[] = [];
    for (let at = 0; at < output.length; at += CONSOLE_CHUNK) {
      replies.push({ kind: 'console', text: output.slice(at, at + CONSOLE_CHUNK) });
    }
    return { replies: [...replies, { kind: 'ok' }] };
  }

  private hartCount(): number {
    return this.target.harts().length;
  }

  private hart(thread: number): number {
    return hartOf(thread, this.hartCount())!;
  }

  private resumeHart(): number | undefined {
    return hartOf(this.resumeThread, this.hartCount());
  }

  private unreadable(address: bigint): Answer {
    return this.refuse(`cannot read memory at 0x${address.toString(16)}`, ERROR_UNREADABLE);
  }

  /**
   * GDB has always taken `E.text` for a failed write and shows it; elsewhere it must have announced
   * `error-message`.
   */
  private refuse(message: string, code: number, writes = false): Answer {
    if (writes && this.clientIsGdb) return reply({ kind: 'error', code, text: message });
    return reply(this.error(message, code));
  }
}

/** Why the history goes no further, where that is known. */
function endText({ powerOff, recordedEnd }: DebugStop & { kind: 'history' }): string | undefined {
  if (powerOff !== undefined)
    return `The guest powered off with code ${powerOff.code}. Step back before you change something.`;
  return recordedEnd && `The recording ends here: ${printable(recordedEnd)}.`;
}
