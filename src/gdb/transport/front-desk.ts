import type { Socket } from 'node:net';
import type { ByteChannel, ServeChannel } from './byte-channel.js';
import { streamChannel } from './stream-channel.js';

/** What the first bytes of a connection are: a debugger's, not enough to tell, or something else and what. */
export type Greeting = 'debugger' | 'unfinished' | { readonly foreign: string };

export interface FrontDeskOptions {
  readonly serve: ServeChannel;
  /** Makes the judge of one connection, who hears all it sends, in order. */
  readonly judge: () => (bytes: Uint8Array) => Greeting;
  /** What a second debugger is told before its connection is closed. */
  readonly refusal: (message: string) => Uint8Array;
  /** Hears one line for each connection that is sent away. */
  readonly notice: (line: string) => void;
  /** How long a newcomer waits for the present debugger to leave, in milliseconds. */
  readonly graceMs?: number | undefined;
  /** How long a connection may take to say who it is. */
  readonly silenceMs?: number | undefined;
}

const DEFAULT_GRACE_MS = 1000;
const DEFAULT_SILENCE_MS = 30_000;
/** A debugger that is gone without a word is noticed after this idle time plus the system's probes. */
const KEEP_ALIVE_IDLE_MS = 10_000;
const LINGER_MS = 1000;
/** Connections without a place; when one more comes, the oldest goes. */
const MOST_VISITORS = 16;
/** A first packet is shorter. */
const LONGEST_GREETING = 0x40000;

interface Visitor {
  readonly socket: Socket;
  readonly peer: string;
  readonly judge: (bytes: Uint8Array) => Greeting;
  readonly said: Buffer[];
  saidLength: number;
  /** Ends its patience, or ours. */
  timer: NodeJS.Timeout | undefined;
  /** It has sent a whole packet and would be served. */
  ready: boolean;
}

/**
 * Lets one debugger in at a time. A connection has no place before it has sent a whole packet of the protocol, so
 * probes and silent ones stand in nobody's way. A debugger that has its place keeps it until its connection ends; a
 * newcomer waits a moment and is then told who is there.
 */
export class FrontDesk {
  private present: ByteChannel | undefined;
  private presentSocket: Socket | undefined;
  /** Without a place, oldest first. */
  private readonly visitors = new Set<Visitor>();
  private readonly leaving = new Set<Socket>();
  private serving: Promise<void> = Promise.resolve();
  private shutting = false;

  constructor(private readonly options: FrontDeskOptions) {}

  arrive(socket: Socket): void {
    socket.setKeepAlive(true, KEEP_ALIVE_IDLE_MS);
    socket.on('error', () => {});
    if (this.shutting) {
      socket.destroy();
      return;
    }
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const judge = this.options.judge();
    const visitor: Visitor = { socket, peer, judge, said: [], saidLength: 0, timer: undefined, ready: false };
    for (const oldest of this.visitors) {
      if (this.visitors.size < MOST_VISITORS) break;
      this.sendAway(oldest, 'too many connections wait');
    }
    this.visitors.add(visitor);
    if (this.present === undefined) this.awaitPacket(visitor);
    else this.awaitPlace(visitor);
    socket.once('close', () => this.forget(visitor));
    socket.on('data', chunk => this.hear(visitor, chunk));
    socket.resume();
  }

  async shut(): Promise<void> {
    this.shutting = true;
    for (const visitor of this.visitors) {
      this.forget(visitor);
      visitor.socket.destroy();
    }
    for (const socket of this.leaving) socket.destroy();
    this.presentSocket?.destroy();
    await this.serving;
  }

  private hear(visitor: Visitor, chunk: Buffer): void {
    visitor.said.push(chunk);
    visitor.saidLength += chunk.length;
    const greeting = visitor.judge(chunk);
    if (typeof greeting === 'object') {
      this.sendAway(visitor, `it does not speak the protocol of debuggers: ${greeting.foreign}`);
    } else if (visitor.saidLength > LONGEST_GREETING) {
      this.sendAway(visitor, 'it has sent more than a debugger that waits for an answer');
    } else if (greeting === 'debugger' && !visitor.ready) {
      visitor.ready = true;
      // What has come already behind the first packet is judged with it.
      setImmediate(() => this.queue(visitor));
    }
  }

  private queue(visitor: Visitor): void {
    if (!this.visitors.has(visitor)) return;
    if (this.present === undefined) this.admit(visitor);
    else this.awaitPlace(visitor);
  }

  private awaitPacket(visitor: Visitor): void {
    const { silenceMs = DEFAULT_SILENCE_MS } = this.options;
    clearTimeout(visitor.timer);
    visitor.timer = setTimeout(() => this.sendAway(visitor, 'it has sent no packet'), silenceMs);
  }

  private awaitPlace(visitor: Visitor): void {
    const { graceMs = DEFAULT_GRACE_MS } = this.options;
    clearTimeout(visitor.timer);
    visitor.timer = setTimeout(() => {
      if (this.present === undefined) this.awaitPacket(visitor);
      else this.refuse(visitor, this.present);
    }, graceMs);
  }

  private forget(visitor: Visitor): void {
    clearTimeout(visitor.timer);
    this.visitors.delete(visitor);
    visitor.socket.removeAllListeners('data');
  }

  private sendAway(visitor: Visitor, why: string): void {
    this.forget(visitor);
    visitor.socket.destroy();
    this.options.notice(`connection from ${visitor.peer} closed: ${why}`);
  }

  private refuse(visitor: Visitor, present: ByteChannel): void {
    const message = `another debugger is connected from ${present.peer}: leave there first`;
    this.forget(visitor);
    visitor.socket.write(this.options.refusal(message));
    this.seeOut(visitor.socket);
  }

  /** Ends a connection so that what was written still arrives. */
  private seeOut(socket: Socket): void {
    if (socket.destroyed) return;
    this.leaving.add(socket);
    socket.resume();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.leaving.delete(socket);
    });
  }

  private admit(visitor: Visitor): void {
    const { socket, peer, said } = visitor;
    this.forget(visitor);
    socket.pause();
    socket.unshift(Buffer.concat(said));
    const channel = streamChannel(socket, socket, peer);
    this.present = channel;
    this.presentSocket = socket;
    this.serving = this.options.serve(channel).then(() => {
      this.seeOut(socket);
      this.present = undefined;
      this.presentSocket = undefined;
      if (this.shutting) return;
      for (const next of this.visitors) {
        if (!next.ready) continue;
        this.admit(next);
        return;
      }
    });
  }
}
