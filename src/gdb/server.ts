import debug from 'debug';
import type { DebugTarget } from '../timeline/debug-target.js';
import { acknowledgement, type FrameEvent, FrameParser } from './rsp/framing.js';
import { encodeReply } from './rsp/reply.js';
import { Session } from './stub/debugger-session.js';
import type { ByteChannel } from './transport/byte-channel.js';
import { keepUntil } from './transport/early-debugger.js';
import type { Greeting } from './transport/front-desk.js';
import { listenTcp, type TcpListener } from './transport/tcp-listener.js';

const log = debug('backstub:gdb');

export interface GdbServerOptions {
  /** Address to bind to, 127.0.0.1 unless given. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** How long a second debugger waits for the first to leave, in milliseconds (1000 unless given). */
  readonly graceMs?: number;
  /** How long a connection may take to send its first packet, in milliseconds (30000 unless given). */
  readonly silenceMs?: number;
  /** Hears one line for each connection that is closed because it is no debugger's. */
  readonly notice?: (line: string) => void;
}

/** Serves a target to one debugger after the other. */
export class GdbServer {
  readonly host: string;
  readonly port: number;

  private constructor(private readonly listener: TcpListener) {
    this.host = listener.host;
    this.port = listener.port;
  }

  /** Whether other machines may connect, and with them anyone on them: there is no password. */
  get beyondLoopback(): boolean {
    return !/^(127\.|::1$|::ffff:127\.)/.test(this.host);
  }

  /**
   * Throws InputError when the address cannot be bound. A debugger that comes before the target is where it shall be
   * found waits.
   */
  static async start(
    target: DebugTarget | Promise<DebugTarget>,
    options: GdbServerOptions,
  ): Promise<GdbServer> {
    const { host = '127.0.0.1', port, graceMs, silenceMs, notice = () => {} } = options;
    const listener = await listenTcp({
      host,
      port,
      graceMs,
      silenceMs,
      judge: greetingJudge,
      serve: async channel => {
        const present = target instanceof Promise ? await keepUntil(target, channel) : channel;
        if (present !== undefined) await serveDebugger(await target, present, notice);
      },
      refusal,
      notice: line => {
        log('%s', line);
        notice(line);
      },
    });
    return new GdbServer(listener);
  }

  /** Ends every connection; resolves when the target is detached. */
  close(): Promise<void> {
    return this.listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Serves one debugger over any channel until it leaves. Never rejects. */
export async function serveDebugger(
  target: DebugTarget,
  channel: ByteChannel,
  notice: (line: string) => void = () => {},
): Promise<void> {
  log('debugger from %s', channel.peer);
  try {
    const session = new Session(target, channel, why => {
      notice(`connection from ${channel.peer} closed: ${why}`);
    });
    channel.open({
      onBytes: bytes => session.receive(bytes),
      onClose: () => session.disconnected(),
    });
    await session.finished;
  } catch (error) {
    log('cannot serve %s: %O', channel.peer, error);
    channel.close();
  }
  log('debugger from %s is gone', channel.peer);
}

/** A debugger is who sends a packet first, well-formed or not, and nothing foreign before or after it. */
function greetingJudge(): (bytes: Uint8Array) => Greeting {
  const parser = new FrameParser();
  let greeting: Greeting = 'unfinished';
  return bytes => {
    for (const event of parser.feed(bytes)) {
      if (event.kind === 'foreign') greeting = { foreign: event.looksLike };
      else if (PACKETS.has(event.kind)) greeting = 'debugger';
    }
    return greeting;
  };
}

const PACKETS: ReadonlySet<FrameEvent['kind']> = new Set(['packet', 'bad-checksum', 'too-long']);

/** Acknowledges and answers the `qSupported` that a second debugger begins with. */
function refusal(message: string): Uint8Array {
  const reply = encodeReply({ kind: 'error', code: 1, text: message });
  return Uint8Array.from([acknowledgement(true), ...reply]);
}
