import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type HostStream, type Outgoing, TcpConnection } from '../../../src/host/network/tcp-connection.js';
import { FLAG, type TcpSegment } from '../../../src/host/network/tcp-segment.js';

/** A host's stream that takes what is written when it is told to. */
class Stream implements HostStream {
  readonly taken: number[] = [];
  backlog = 0;
  state: 'open' | 'ended' | 'destroyed' = 'open';
  paused = false;
  /** Whether writes wait until `drain`. */
  slow = false;

  write(bytes: Uint8Array): void {
    this.taken.push(...bytes);
    if (this.slow) this.backlog += bytes.length;
  }
  end(): void {
    this.state = 'ended';
  }
  destroy(): void {
    this.state = 'destroyed';
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
}

const withPorts = (segment: Outgoing): TcpSegment => ({ sourcePort: 1, destinationPort: 2, ...segment });

/** Two ends of a connection and the cable between them, which may lose segments. */
class Cable {
  readonly left = new Stream();
  readonly right = new Stream();
  readonly ended: string[] = [];
  readonly #flying: (() => void)[] = [];
  readonly a: TcpConnection;
  b: TcpConnection | undefined;

  constructor(
    readonly loses: () => boolean,
    sequences: readonly [number, number] = [100, 0xffff_ff00],
    readonly seen: (segment: Outgoing) => void = () => {},
  ) {
    this.a = TcpConnection.toGuest(sequences[0], this.left, {
      transmit: segment => this.#fly(segment, () => this.#toB(segment, sequences[1])),
      closed: () => this.ended.push('a'),
    });
  }

  /** Lets everything arrive, and time pass until nothing is sent any more. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 20; idle++) {
      while (this.#flying.length > 0) this.#flying.shift()?.();
      const before = this.#flying.length;
      await vi.advanceTimersByTimeAsync(11_000);
      if (this.#flying.length > before) idle = 0;
    }
  }

  deliver(): void {
    while (this.#flying.length > 0) this.#flying.shift()?.();
  }

  #fly(segment: Outgoing, arrive: () => void): void {
    this.seen(segment);
    if (!this.loses()) this.#flying.push(arrive);
  }

  #toB(segment: Outgoing, sequence: number): void {
    if (this.b !== undefined) {
      this.b.receive(withPorts(segment));
      return;
    }
    this.b = TcpConnection.fromGuest(withPorts(segment), sequence, this.right, {
      transmit: reply => this.#fly(reply, () => this.a.receive(withPorts(reply))),
      closed: () => this.ended.push('b'),
    });
    this.b.hostConnected();
  }
}

const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => i * 13 + seed);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a connection between two ends', () => {
  test('carries both directions and ends when both have ended', async () => {
    const cable = new Cable(() => false);
    cable.deliver();
    cable.a.hostData(bytes(100_000, 1));
    cable.b?.hostData(bytes(50_000, 2));
    cable.deliver();
    cable.a.hostEnd();
    cable.deliver();
    expect(cable.right.state).toBe('ended');
    expect(cable.ended).toEqual([]);
    cable.b?.hostData(bytes(10, 3));
    cable.b?.hostEnd();
    cable.deliver();
    expect(Uint8Array.from(cable.right.taken)).toEqual(bytes(100_000, 1));
    expect(Uint8Array.from(cable.left.taken)).toEqual(Uint8Array.of(...bytes(50_000, 2), ...bytes(10, 3)));
    expect(cable.ended.toSorted()).toEqual(['a', 'b']);
    expect([cable.left.state, cable.right.state]).toEqual(['ended', 'ended']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('no segment is larger than a frame, and none goes beyond the window', async () => {
    let largest = 0;
    const cable = new Cable(
      () => false,
      [1, 1],
      ({ payload }) => {
        largest = Math.max(largest, payload.length);
      },
    );
    cable.deliver();
    cable.right.slow = true;
    cable.a.hostData(bytes(200_000, 1));
    cable.deliver();
    expect(largest).toBe(1460);
    expect(cable.right.taken.length).toBeLessThanOrEqual(65_535);
    for (let i = 0; i < 10; i++) {
      cable.right.backlog = 0;
      cable.b?.hostDrained();
      cable.deliver();
    }
    await cable.settle();
    cable.right.backlog = 0;
    cable.b?.hostDrained();
    cable.deliver();
    expect(Uint8Array.from(cable.right.taken)).toEqual(bytes(200_000, 1));
  });

  test('the host waits while much is held for the guest', () => {
    const cable = new Cable(() => false);
    cable.deliver();
    cable.right.slow = true;
    cable.a.hostData(bytes(400_000, 1));
    cable.deliver();
    expect(cable.left.paused).toBe(true);
    for (let i = 0; i < 10; i++) {
      cable.right.backlog = 0;
      cable.b?.hostDrained();
      cable.deliver();
    }
    expect(cable.left.paused).toBe(false);
  });

  test('a host that fails resets the connection', () => {
    const flags: number[] = [];
    const cable = new Cable(
      () => false,
      [1, 1],
      segment => flags.push(segment.flags),
    );
    cable.deliver();
    cable.a.hostFailed();
    cable.deliver();
    expect(flags.at(-1)).toBe(FLAG.rst | FLAG.ack);
    expect(cable.right.state).toBe('destroyed');
    expect(cable.ended).toEqual(['a', 'b']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a reset that is not meant for the connection changes nothing', () => {
    const cable = new Cable(() => false, [1, 1]);
    cable.deliver();
    const forged = { flags: FLAG.rst, sequence: 900_000, acknowledgment: 0, window: 0 };
    cable.a.receive(withPorts({ ...forged, payload: new Uint8Array() }));
    cable.b?.hostData(bytes(10, 1));
    cable.deliver();
    expect(Uint8Array.from(cable.left.taken)).toEqual(bytes(10, 1));
  });

  test('nobody there: given up after a while, and the host is told', async () => {
    const cable = new Cable(() => true);
    await vi.advanceTimersByTimeAsync(200_000);
    expect(cable.ended).toEqual(['a']);
    expect(cable.left.state).toBe('destroyed');
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('whatever is lost, everything arrives once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        sequences: fc.tuple(
          fc.oneof(fc.constant(0xffff_fff0), fc.nat()),
          fc.oneof(fc.constant(0xffff_ff00), fc.nat()),
        ),
        losses: fc.array(fc.boolean(), { maxLength: 60 }),
        chunks: fc.array(fc.record({ left: fc.boolean(), length: fc.integer({ min: 1, max: 9000 }) }), {
          maxLength: 12,
        }),
      }),
      async ({ sequences, losses, chunks }) => {
        const left = [...losses];
        const cable = new Cable(() => left.shift() ?? false, sequences);
        const sent: Record<'left' | 'right', number[]> = { left: [], right: [] };
        await cable.settle();
        for (const [i, chunk] of chunks.entries()) {
          const data = bytes(chunk.length, i);
          if (chunk.left) cable.a.hostData(data);
          else cable.b?.hostData(data);
          sent[chunk.left ? 'left' : 'right'].push(...data);
          if (i % 3 === 0) cable.deliver();
        }
        cable.a.hostEnd();
        cable.b?.hostEnd();
        await cable.settle();
        expect(Buffer.compare(Buffer.from(cable.right.taken), Buffer.from(sent.left))).toBe(0);
        expect(Buffer.compare(Buffer.from(cable.left.taken), Buffer.from(sent.right))).toBe(0);
        expect(cable.left.state).not.toBe('open');
        expect(cable.right.state).not.toBe('open');
      },
    ),
    { numRuns: 150 },
  );
});
