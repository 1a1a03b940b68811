import debug from 'debug';
import type { DebugTarget } from '../timeline/debug-target.js';
import { acknowledgement } from './rsp/framing.js';
import { encodeReply } from './rsp/reply.js';
import { Session } from './stub/session.js';
import type { ByteChannel } from './transport/byte-channel.js';
import { listenTcp, type TcpListener } from './transport/tcp-listener.js';

const log = debug('backstub:gdb');

export interface GdbServerOptions {
  /** Address to bind to, 127.0.0.1 unless given. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** How long a second debugger waits for the first to leave, in milliseconds (1000 unless given). */
  readonly graceMs?: number;
}

/** Serves a target to one debugger after the other. */
export class GdbServer {
  readonly host: string;
  readonly port: number;

  private constructor(private readonly listener: TcpListener) {
    this.host = listener.host;
    this.port = listener.port;
  }

  /** Throws InputError when the address cannot be bound. */
  static async start(target: DebugTarget, options: GdbServerOptions): Promise<GdbServer> {
    const { host = '127.0.0.1', port, graceMs } = options;
    const listener = await listenTcp({
      host,
      port,
      ...(graceMs === undefined ? {} : { graceMs }),
      serve: channel => serveDebugger(target, channel),
      refusal: message => refusal(message),
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
export async function serveDebugger(target: DebugTarget, channel: ByteChannel): Promise<void> {
  log('debugger from %s', channel.peer);
  try {
    const session = new Session(target, channel);
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

/** Acknowledges and answers the `qSupported` that a second debugger begins with. */
function refusal(message: string): Uint8Array {
  const reply = encodeReply({ kind: 'error', code: 1, text: message });
  return Uint8Array.from([...acknowledgement(true), ...reply]);
}
