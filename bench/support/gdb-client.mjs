/** The little of GDB's remote protocol that the benches speak, to our stub and to QEMU's alike. */
import { connect } from 'node:net';

const checksum = text => {
  let sum = 0;
  for (const char of text) sum = (sum + char.charCodeAt(0)) & 0xff;
  return sum.toString(16).padStart(2, '0');
};

export class GdbClient {
  #socket;
  #input = '';
  #waiting;
  /** Console text that came so far. */
  console = '';

  /** Connects, trying again until the server listens. */
  static async connect(port, attempts = 200, waitMs = 50) {
    for (let i = 0; ; i++) {
      try {
        const client = new GdbClient();
        await client.#open(port);
        return client;
      } catch (error) {
        if (i === attempts) throw error;
        await new Promise(resolve => setTimeout(resolve, waitMs));
      }
    }
  }

  #open(port) {
    return new Promise((resolve, reject) => {
      this.#socket = connect(port, '127.0.0.1', resolve);
      this.#socket.setNoDelay(true);
      this.#socket.on('error', reject);
      this.#socket.on('data', data => {
        this.#input += data.toString('latin1');
        this.#deliver();
      });
    });
  }

  #deliver() {
    const match = /\$([^#]*)#[0-9a-f]{2}/.exec(this.#input);
    if (match === null || this.#waiting === undefined) return;
    this.#input = this.#input.slice(match.index + match[0].length);
    this.#socket.write('+');
    // Console text may come at any time while the machine runs.
    if (match[1].startsWith('O') && match[1] !== 'OK') {
      this.console += Buffer.from(match[1].slice(1), 'hex').toString();
      this.#deliver();
      return;
    }
    const resolve = this.#waiting;
    this.#waiting = undefined;
    resolve(match[1]);
  }

  /** Sends a packet and waits for its reply. */
  request(packet) {
    return new Promise(resolve => {
      this.#waiting = resolve;
      this.#socket.write(`$${packet}#${checksum(packet)}`);
      this.#deliver();
    });
  }

  /** As `request`, in milliseconds. */
  async timed(packet) {
    const start = performance.now();
    const reply = await this.request(packet);
    return { ms: performance.now() - start, reply };
  }

  close() {
    this.#socket.destroy();
  }
}
