import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { InputError } from '../../state/input-error.js';
import type { ByteChannel, ServeChannel } from './byte-channel.js';
import { streamChannel } from './stream-channel.js';

export interface TcpListenerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly serve: ServeChannel;
  /** What a second debugger is told before its connection is closed. */
  readonly refusal: (message: string) => Uint8Array;
  /** How long a newcomer waits for the present debugger to leave, in milliseconds. */
  readonly graceMs?: number;
}

export interface TcpListener {
  readonly host: string;
  readonly port: number;
  /** Stops listening, ends every connection and waits until the last debugger is served. */
  close(): Promise<void>;
}

const DEFAULT_GRACE_MS = 1000;
/** A debugger that is gone without a word is noticed after this idle time plus the system's probes. */
const KEEP_ALIVE_IDLE_MS = 10_000;
const LINGER_MS = 1000;

/** Listens for debuggers and serves one at a time. Throws InputError when the address cannot be used. */
export async function listenTcp(options: TcpListenerOptions): Promise<TcpListener> {
  const desk = new FrontDesk(options);
  const server = createServer({ noDelay: true, pauseOnConnect: true }, socket => desk.arrive(socket));
  await bind(server, options.host, options.port);
  server.on('error', () => {});
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      await desk.shut();
      await closed;
    },
  };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(error, host, port)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function bindError(error: NodeJS.ErrnoException, host: string, port: number): InputError {
  const advice = 'choose another with --gdb HOST:PORT (port 0 picks a free one)';
  switch (error.code) {
    case 'EADDRINUSE':
      return new InputError(`port ${port} on ${host} is already in use; ${advice}`);
    case 'EACCES':
      return new InputError(`port ${port} on ${host} needs more rights than you have; ${advice}`);
    default:
      return new InputError(`cannot listen on ${host}:${port} (${error.code ?? error.message}); ${advice}`);
  }
}

interface Visitor {
  readonly socket: Socket;
  readonly channel: ByteChannel;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Lets one debugger in at a time. A newcomer waits a moment for the present one to leave and is then sent
 * away, once. If it comes again and the present one has not sent a byte in between, that one is taken for
 * dead (a cut cable says no goodbye) and loses its place.
 */
class FrontDesk {
  private present: Visitor | undefined;
  private readonly waiting: Visitor[] = [];
  private readonly leaving = new Set<Socket>();
  private serving: Promise<void> = Promise.resolve();
  private bytesAtRefusal: number | undefined;
  private shutting = false;

  constructor(private readonly options: TcpListenerOptions) {}

  arrive(socket: Socket): void {
    socket.setKeepAlive(true, KEEP_ALIVE_IDLE_MS);
    socket.on('error', () => {});
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const visitor: Visitor = { socket, channel: streamChannel(socket, socket, peer), timer: undefined };
    if (this.shutting) {
      socket.destroy();
    } else if (this.present === undefined) {
      this.admit(visitor);
    } else {
      this.wait(visitor, this.present);
    }
  }

  async shut(): Promise<void> {
    this.shutting = true;
    for (const visitor of this.waiting.splice(0)) {
      clearTimeout(visitor.timer);
      visitor.socket.destroy();
    }
    for (const socket of this.leaving) socket.destroy();
    this.present?.socket.destroy();
    await this.serving;
  }

  private wait(visitor: Visitor, present: Visitor): void {
    this.waiting.push(visitor);
    visitor.socket.once('close', () => this.forget(visitor));
    if (this.bytesAtRefusal === present.socket.bytesRead) {
      present.socket.destroy();
      return;
    }
    visitor.timer = setTimeout(() => {
      this.forget(visitor);
      this.refuse(visitor);
    }, this.options.graceMs ?? DEFAULT_GRACE_MS);
  }

  private forget(visitor: Visitor): void {
    clearTimeout(visitor.timer);
    const place = this.waiting.indexOf(visitor);
    if (place >= 0) this.waiting.splice(place, 1);
  }

  private refuse({ socket }: Visitor): void {
    this.bytesAtRefusal = this.present?.socket.bytesRead;
    const message = `another debugger is connected from ${this.present?.channel.peer}; if it is dead, connect again`;
    socket.write(this.options.refusal(message));
    this.seeOut(socket);
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
    this.present = visitor;
    this.bytesAtRefusal = undefined;
    this.serving = this.options.serve(visitor.channel).then(() => {
      this.seeOut(visitor.socket);
      this.present = undefined;
      const next = this.waiting[0];
      if (next === undefined) return;
      this.forget(next);
      this.admit(next);
    });
  }
}
