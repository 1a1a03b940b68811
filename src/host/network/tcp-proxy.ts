import { randomInt } from 'node:crypto';
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import { type Datagram, formatAddress, parseAddress } from './ipv4.js';
import { type ConnectionPorts, type HostStream, type Outgoing, TcpConnection } from './tcp-connection.js';
import { advance, buildTcp, FLAG, parseTcp, type TcpSegment } from './tcp-segment.js';
import { ADDRESS, toGuest, toHost } from './user-addresses.js';

/** A port of the host that leads to one of the guest. */
export interface HostForward {
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
  readonly guest: number;
  readonly guestPort: number;
}

/** The guest's connections at a time, those included whose last bytes the host has not taken yet. */
const MOST_CONNECTIONS = 1024;
const EMPTY = new Uint8Array();

interface Ends {
  readonly guest: number;
  readonly guestPort: number;
  readonly peer: number;
  readonly peerPort: number;
}

const keyOf = ({ guest, guestPort, peer, peerPort }: Ends) => `${guest}:${guestPort} ${peer}:${peerPort}`;

/** TCP connections of the guest, each carried on by a socket of the host. */
export class TcpProxy {
  readonly #connections = new Map<string, TcpConnection>();
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];

  /** `restricted`: only connections of forwarded ports. */
  constructor(
    readonly send: (datagram: Datagram) => void,
    readonly restricted = false,
  ) {}

  receive(datagram: Datagram): void {
    const segment = parseTcp(datagram);
    if (segment === undefined) return;
    const ends: Ends = {
      guest: datagram.source,
      guestPort: segment.sourcePort,
      peer: datagram.destination,
      peerPort: segment.destinationPort,
    };
    const connection = this.#connections.get(keyOf(ends));
    if (connection !== undefined) connection.receive(segment);
    else if ((segment.flags & (FLAG.syn | FLAG.ack | FLAG.rst)) === FLAG.syn) this.#connect(ends, segment);
    else this.#refuse(ends, segment);
  }

  /** Listens on a port of the host. Rejects with InputError when that is not possible. */
  async forward(rule: HostForward): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, socket =>
      this.#accept(socket, rule),
    );
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('listening', resolve);
      server.once('error', error => {
        const where = `tcp:${rule.host}:${rule.port}`;
        reject(new InputError(`cannot forward ${where} to the guest: ${systemErrorText(error)}`));
      });
      server.listen(rule.port, rule.host);
    });
    server.on('error', () => {});
  }

  /** Ports listened on, in the order of the rules. */
  get ports(): readonly number[] {
    return this.#servers.map(server => {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    });
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const connection of [...this.#connections.values()]) connection.abort();
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(ends: Ends, syn: TcpSegment): void {
    const host = this.restricted ? undefined : toHost(ends.peer);
    if (host === undefined || this.#full) {
      this.#refuse(ends, syn);
      return;
    }
    const socket = openSocket({
      host: formatAddress(host),
      port: ends.peerPort,
      allowHalfOpen: true,
      noDelay: true,
    });
    const drained = () => connection.hostDrained();
    const connection: TcpConnection = TcpConnection.fromGuest(
      syn,
      firstSequence(),
      streamOf(socket, drained),
      this.#portsOf(ends),
    );
    this.#connections.set(keyOf(ends), connection);
    socket.once('connect', () => connection.hostConnected());
    this.#attach(socket, connection);
  }

  #accept(socket: Socket, rule: HostForward): void {
    const from = parseAddress(socket.remoteAddress?.replace(/^::ffff:/, '') ?? '');
    const ends: Ends = {
      guest: rule.guest,
      guestPort: rule.guestPort,
      peer: from === undefined ? ADDRESS.gateway : toGuest(from),
      peerPort: socket.remotePort ?? 0,
    };
    if (this.#connections.has(keyOf(ends)) || this.#full) {
      socket.destroy();
      return;
    }
    const drained = () => connection.hostDrained();
    const connection: TcpConnection = TcpConnection.toGuest(
      firstSequence(),
      streamOf(socket, drained),
      this.#portsOf(ends),
    );
    this.#connections.set(keyOf(ends), connection);
    this.#attach(socket, connection);
  }

  get #full(): boolean {
    return Math.max(this.#connections.size, this.#sockets.size) >= MOST_CONNECTIONS;
  }

  #attach(socket: Socket, connection: TcpConnection): void {
    this.#sockets.add(socket);
    socket.on('data', bytes => connection.hostData(new Uint8Array(bytes)));
    socket.on('end', () => connection.hostEnd());
    socket.on('error', () => connection.hostFailed());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #portsOf(ends: Ends): ConnectionPorts {
    return {
      transmit: segment => this.#transmit(ends, segment),
      closed: () => this.#connections.delete(keyOf(ends)),
    };
  }

  /** Answers what belongs to no connection (RFC 793, section 3.4). */
  #refuse(ends: Ends, segment: TcpSegment): void {
    if ((segment.flags & FLAG.rst) !== 0) return;
    const acknowledged = (segment.flags & FLAG.ack) !== 0;
    const taken = segment.payload.length + (segment.flags & (FLAG.syn | FLAG.fin) ? 1 : 0);
    this.#transmit(ends, {
      flags: acknowledged ? FLAG.rst : FLAG.rst | FLAG.ack,
      sequence: acknowledged ? segment.acknowledgment : 0,
      acknowledgment: acknowledged ? 0 : advance(segment.sequence, taken),
      window: 0,
      payload: EMPTY,
    });
  }

  #transmit({ guest, guestPort, peer, peerPort }: Ends, segment: Outgoing): void {
    this.send(buildTcp(peer, guest, { sourcePort: peerPort, destinationPort: guestPort, ...segment }));
  }
}

const firstSequence = () => randomInt(2 ** 32);

/** What a write under way costs beside its bytes. */
const WRITE_BYTES = 256;

/** `drained`: the host has taken all that was written. */
function streamOf(socket: Socket, drained: () => void): HostStream {
  let writes = 0;
  return {
    write: bytes => {
      if (!socket.writable) return;
      writes++;
      socket.write(bytes, () => {
        if (--writes === 0) drained();
      });
    },
    end: () => socket.end(),
    destroy: () => socket.destroy(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    get backlog() {
      return socket.writableLength + writes * WRITE_BYTES;
    },
  };
}
