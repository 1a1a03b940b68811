/** One debugger's connection: acknowledgements, order of packets, interrupts, and leaving. */

import debug from 'debug';
import { type DebugStop, type DebugTarget, type Resume, TargetError } from '../../timeline/debug-target.js';
import type { Command } from '../rsp/command.js';
import { acknowledgement, type FrameEvent, FrameParser } from '../rsp/framing.js';
import { parseCommand } from '../rsp/packets.js';
import { encodeReply, type Reply } from '../rsp/reply.js';
import { type Answer, CommandHandler, type Outcome } from './command-handler.js';

const log = debug('backstub:gdb');

/** Where a session's bytes go. */
export interface SessionOutput {
  write(bytes: Uint8Array): void;
  close(): void;
  /** Lets what the connection has brought meanwhile be handled. */
  turn(): Promise<void>;
}

type QueuedEvent = Extract<FrameEvent, { kind: 'packet' | 'bad-checksum' | 'too-long' | 'interrupt' }>;

const NO_REPLY = new Uint8Array(0);

/** Answers one debugger. `receive` and `disconnected` never throw; `finished` resolves when it is over. */
export class Session {
  readonly finished: Promise<void>;

  private readonly parser = new FrameParser();
  private readonly handler: CommandHandler;
  private readonly queue: QueuedEvent[] = [];
  private lastReply: Uint8Array = NO_REPLY;
  private acknowledging = true;
  private working = false;
  private resuming = false;
  private asking = false;
  private closed = false;
  private finish: () => void = () => {};

  constructor(
    private readonly target: DebugTarget,
    private readonly output: SessionOutput,
  ) {
    this.finished = new Promise(resolve => {
      this.finish = resolve;
    });
    this.handler = new CommandHandler(
      target,
      () => this.breathe(),
      text => this.print(text),
    );
    this.handler.attach();
  }

  receive(bytes: Uint8Array): void {
    if (this.closed) return;
    for (const event of this.parser.feed(bytes)) {
      switch (event.kind) {
        case 'ack':
          break;
        case 'nak':
          if (this.acknowledging) this.output.write(this.lastReply);
          break;
        case 'packet':
        case 'too-long':
          if (this.acknowledging) this.output.write(acknowledgement(true));
          this.enqueue(event);
          break;
        case 'bad-checksum':
          if (this.acknowledging) this.output.write(acknowledgement(false));
          else this.enqueue(event);
          break;
        case 'interrupt':
          this.enqueue(event);
          break;
      }
    }
  }

  /** The connection is gone: stops what is under way and leaves the machine halted for the next debugger. */
  disconnected(): void {
    if (this.closed) return;
    this.closed = true;
    this.queue.length = 0;
    if (this.working) this.target.interrupt();
    else this.leave();
  }

  private enqueue(event: QueuedEvent): void {
    if (event.kind === 'interrupt' && (this.resuming || this.asking)) {
      this.target.interrupt();
      return;
    }
    this.queue.push(event);
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    for (let event = this.queue.shift(); event !== undefined; event = this.queue.shift()) {
      // An interrupt with nothing under way has no effect: one stop reply per resume.
      if (event.kind !== 'interrupt') await this.process(event);
    }
    this.working = false;
    if (this.closed) this.leave();
  }

  private async process(event: QueuedEvent): Promise<void> {
    try {
      const answer = await this.answer(event);
      for (const reply of answer.replies) this.send(reply);
      await this.follow(answer.outcome);
    } catch (error) {
      log('unexpected: %O', error);
      this.send(this.handler.error('internal error of backstub; DEBUG=backstub:gdb shows it'));
    }
  }

  private async answer(event: QueuedEvent): Promise<Answer> {
    switch (event.kind) {
      case 'packet':
        return this.handle(parseCommand(event.body));
      case 'too-long':
        return { replies: [this.handler.error('the packet is longer than PacketSize')] };
      default:
        return { replies: [this.handler.error('wrong checksum')] };
    }
  }

  private async handle(command: Command): Promise<Answer> {
    this.asking = command.kind === 'monitor';
    try {
      return await this.handler.handle(command);
    } finally {
      this.asking = false;
    }
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
    let stop: DebugStop;
    this.resuming = true;
    try {
      const stopped = this.target.resume(request, line => this.print(`${line}\n`));
      this.interruptIfAsked();
      stop = await stopped;
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      for (const reply of this.handler.resumeRefused(error.message)) this.send(reply);
      return;
    } finally {
      this.resuming = false;
    }
    for (const reply of this.handler.stopped(stop)) this.send(reply);
  }

  /** An interrupt that came behind the resume's packet while an earlier one was still worked on. */
  private interruptIfAsked(): void {
    const asked = this.queue.findIndex(({ kind }) => kind === 'interrupt');
    if (asked < 0) return;
    this.queue.splice(asked, 1);
    this.target.interrupt();
  }

  private send(reply: Reply): void {
    if (this.closed) return;
    this.lastReply = encodeReply(reply);
    this.output.write(this.lastReply);
  }

  /** Only between a resume or a monitor command and its reply does the debugger take console output. */
  private print(text: string): void {
    if (this.resuming || this.asking) this.send({ kind: 'console', text });
  }

  private async breathe(): Promise<boolean> {
    await this.output.turn();
    return !this.closed;
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
