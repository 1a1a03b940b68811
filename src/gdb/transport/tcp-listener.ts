import { type AddressInfo, createServer, type Server } from 'node:net';
import { InputError } from '../../state/input-error.js';
import { FrontDesk, type FrontDeskOptions } from './front-desk.js';

export interface TcpListenerOptions extends FrontDeskOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
}

export interface TcpListener {
  readonly host: string;
  readonly port: number;
  /** Stops listening, ends every connection and waits until the last debugger is served. */
  close(): Promise<void>;
}

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
  const advice = { setting: 'gdb', value: 'another address (port 0 takes a free one)' };
  switch (error.code) {
    case 'EADDRINUSE':
      return new InputError(`port ${port} on ${host} is already in use`, advice);
    case 'EACCES':
      return new InputError(`port ${port} on ${host} needs more rights than you have`, advice);
    default:
      return new InputError(`cannot listen on ${host}:${port} (${error.code ?? error.message})`, advice);
  }
}
