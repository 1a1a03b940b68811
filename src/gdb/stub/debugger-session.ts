/** One debugger's connection: acknowledgements, order of packets, interrupts, and leaving. */

import debug from 'debug';
import type { DebugStop, DebugTarget, Resume } from '../../timeline/debug-target.js';
import type { Command } from '../rsp/command.js';
import { acknowledgement, FrameParser } from '../rsp/framing.js';
import { parseCommand } from '../rsp/packets.js';
import { encodeReply, type Reply } from '../rsp/reply.js';
import { Activity } from './activity.js';
import { type Answer, isRefusal, type Outcome } from './answer.js';
import { CommandHandler } from './command-handler.js';
import { PacketQueue, type QueuedPacket } from './waiting-packets.js';

const log = debug('backstub:gdb');

/** Where a session's bytes go; ByteChannel says more. */
export interface SessionOutput {
  readonly unsent: number;
  write(bytes: Uint8Array): void;
  drained(): Promise<void>;
  hold(held: boolean): void;
  close(): void;
  /** Lets what the connection has brought meanwhile be handled. */
  turn(): Promise<void>;
  nowMs(): number;
  every(ms: number, wake: () => void): () => void;
}

const NO_REPLY = new Uint8Array(0);
/** Packets are answered for so long before the host has its turn. */
const TURN_MS = 20;
/** Console text for a debugger that does not read is left out beyond this. */
const MOST_UNSENT = 4 * 2 ** 20;

/** They end what an interrupt could be meant for. */
const LEAVES: ReadonlySet<Command['kind']> = new Set(['detach', 'kill', 'kill-process']);

/** Answers one debugger. `receive` and `disconnected` never throw; `finished` resolves when it is over. */
export class Session {
  readonly finished: Promise<void>;

  private readonly parser = new FrameParser();
  private readonly handler: CommandHandler;
  private readonly queue = new PacketQueue();
  /** What is being worked on. */
  private activity: Activity | undefined;
  private lastReply: Uint8Array = NO_REPLY;
  private acknowledging = true;
  private working = false;
  private held = false;
  private closed = false;
  /** An interrupt that stopped nothing yet: the next resume ends at once (GDB manual, E.9 "Interrupts"). */
  private interrupted = false;
  private turnMs: number;
  private finish: () => void = () => {};

  constructor(
    private readonly target: DebugTarget,
    private readonly output: SessionOutput,
    private readonly onForeign: (why: string) => void = () => {},
  ) {
    this.finished = new Promise(resolve => {
      this.finish = resolve;
    });
    this.turnMs = output.nowMs();
    this.handler = new CommandHandler(
      target,
      () => this.breathe(),
      text => this.print(text),
    );
    this.handler.attach();
  }

  receive(bytes: Uint8Array): void {
    if (this.closed) return;
    const events = this.parser.feed(bytes);
    const last = events.at(-1);
    if (last?.kind === 'foreign') {
      this.onForeign(`it turned into another protocol: ${last.looksLike}`);
      this.output.close();
      this.disconnected();
      return;
    }
    let resend = false;
    const acknowledgements: number[] = [];
    for (const event of events) {
      switch (event.kind) {
        case 'nak':
          resend = this.acknowledging;
          break;
        case 'packet':
        case 'too-long':
          if (this.acknowledging) acknowledgements.push(acknowledgement(true));
          this.enqueue(event);
          break;
        case 'bad-checksum':
          if (this.acknowledging) acknowledgements.push(acknowledgement(false));
          else this.enqueue(event);
          break;
        case 'interrupt':
          this.interrupt();
          break;
      }
    }
    if (acknowledgements.length > 0) this.output.write(Uint8Array.from(acknowledgements));
    // One that asks again before it has read what was sent is not sent more.
    if (resend && this.output.unsent === 0) this.output.write(this.lastReply);
    if (this.queue.length > 0 && !this.working) void this.work();
  }

  /** The connection is gone: stops what is under way and leaves the machine halted for the next debugger. */
  disconnected(): void {
    if (this.closed) return;
    this.closed = true;
    this.queue.clear();
    if (this.working) this.target.interrupt();
    else this.leave();
  }

  private enqueue(packet: QueuedPacket): void {
    this.activity?.packetCame(this.handler.clientIsGdb);
    this.queue.push(packet);
    if (this.activity?.givenUp) this.target.interrupt();
    if (!this.queue.full) return;
    this.held = true;
    this.output.hold(true);
    // What is behind, an interrupt perhaps or the connection's end, is only read once there is room.
    if (this.activity !== undefined) this.cut(this.activity);
  }

  /** 0x03 ends what is under way, unless packets wait behind it: then it is meant for the resume among them. */
  private interrupt(): void {
    const { activity } = this;
    if (activity === undefined || (activity.kind === 'request' && this.queue.length > 0)) {
      this.queue.push({ kind: 'interrupt' });
      return;
    }
    this.cut(activity);
  }

  private cut(activity: Activity): void {
    activity.interrupted = true;
    this.target.interrupt();
  }

  private async work(): Promise<void> {
    this.working = true;
    for (let packet = this.queue.shift(); packet !== undefined; packet = this.queue.shift()) {
      await this.process(packet);
      if (this.held && this.queue.halfEmpty) {
        this.held = false;
        this.output.hold(false);
      }
      if (this.output.unsent > 0) await this.output.drained();
      if (this.output.nowMs() - this.turnMs >= TURN_MS) await this.breathe();
    }
    this.working = false;
    if (this.closed) this.leave();
  }

  private async process(packet: QueuedPacket): Promise<void> {
    try {
      const answer = await this.answer(packet);
      for (const reply of answer.replies) this.send(reply);
      await this.follow(answer.outcome);
    } catch (error) {
      this.send(this.handler.error(this.describe(error)));
    }
  }

  private describe(error: unknown): string {
    if (isRefusal(error)) return error.message;
    log('unexpected: %O', error);
    return 'internal error of backstub; DEBUG=backstub:gdb shows it';
  }

  private async answer(packet: QueuedPacket): Promise<Answer> {
    switch (packet.kind) {
      case 'packet':
        return this.handle(parseCommand(packet.body));
      case 'too-long':
        return { replies: [this.handler.error('the packet is longer than PacketSize')] };
      case 'bad-checksum':
        return { replies: [this.handler.error('wrong checksum')] };
      case 'interrupt':
        this.interrupted = true;
        return { replies: [] };
    }
  }

  private async handle(command: Command): Promise<Answer> {
    const activity = this.begin(command.kind === 'monitor' ? 'question' : 'request');
    try {
      const answer = await this.handler.handle(command);
      if (LEAVES.has(command.kind)) this.interrupted = false;
      else if (activity.kind === 'request' && activity.interrupted && !failed(answer))
        this.interrupted = true;
      return activity.givenUp ? { replies: [] } : answer;
    } finally {
      this.end();
    }
  }

  private begin(kind: Activity['kind']): Activity {
    this.activity = new Activity(kind, this.output, {
      print: text => this.print(text),
      wait: () => {
        if (this.handler.clientSkipsNoise) this.output.write(Uint8Array.of(acknowledgement(true)));
      },
    });
    return this.activity;
  }

  private end(): void {
    this.activity?.end();
    this.activity = undefined;
  }

  private async follow(outcome: Outcome | undefined): Promise<void> {
    switch (outcome?.kind) {
      case undefined:
        return;
      case 'no-acknowledgements':
        this.acknowledging = false;
        return;
      case 'close':
        try {
          this.handler.detach();
        } finally {
          this.output.close();
        }
        return;
      case 'resume':
        return this.resume(outcome.request);
    }
  }

  private async resume(request: Resume): Promise<void> {
    if (this.closed) return;
    if (this.interrupted || this.queue.takeInterrupt()) {
      this.interrupted = false;
      for (const reply of this.handler.interruptedBefore(request)) this.send(reply);
      return;
    }
    let stop: DebugStop;
    const activity = this.begin('resume');
    try {
      stop = await this.target.resume(request, line => this.print(`${line}\n`));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      for (const reply of this.handler.resumeRefused(error.message)) this.send(reply);
      return;
    } finally {
      this.end();
    }
    // Something else stopped it first: the interrupt is still to be answered.
    if (activity.interrupted && stop.kind !== 'interrupt') this.interrupted = true;
    for (const reply of this.handler.stopped(stop)) this.send(reply);
  }

  private send(reply: Reply): void {
    if (this.closed) return;
    this.lastReply = encodeReply(reply);
    this.output.write(this.lastReply);
  }

  /** Only between a resume or a monitor command and its reply does the debugger take console output. */
  private print(text: string): void {
    const { activity } = this;
    if (activity === undefined || activity.kind === 'request' || activity.givenUp) return;
    if (this.output.unsent > MOST_UNSENT) return;
    activity.printed();
    this.send({ kind: 'console', text });
  }

  /** False tells work that takes long to give up. */
  private async breathe(): Promise<boolean> {
    await this.output.turn();
    this.turnMs = this.output.nowMs();
    return !this.closed && !this.activity?.interrupted;
  }

  private leave(): void {
    try {
      this.handler.detach();
    } catch (error) {
      log('while detaching: %O', error);
    }
    this.finish();
  }
}

function failed({ replies }: Answer): boolean {
  return replies.some(({ kind }) => kind === 'error');
}
