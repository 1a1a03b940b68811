/**
 * Matchers for tests of firmware in vitest: `import 'backstub/vitest'` once, then
 * `expect(session).toBeIn('on_tick')`, `expect(session).toHavePrinted('done')`, `expect(session).toHaveExited(0)`.
 */
import { expect } from 'vitest';
import { DebugSession } from './debug-session.js';

interface FirmwareMatchers<R> {
  /** The pc stands in this function, anywhere. */
  toBeIn(symbol: string): R;
  /** The guest has printed this text, at any time up to the furthest moment it was run to. */
  toHavePrinted(text: string): R;
  /** The guest has powered off with this code at the present moment. */
  toHaveExited(code: number): R;
}

declare module 'vitest' {
  interface Matchers<T> extends FirmwareMatchers<T> {}
}

expect.extend({
  toBeIn(received: unknown, symbol: string) {
    const session = sessionOf(received);
    const place = session.describe(session.pc);
    return {
      pass: place === symbol || place.startsWith(`${symbol}+`),
      message: () => `expected the pc${this.isNot ? ' not' : ''} to be in ${symbol}; it is at ${place}`,
    };
  },
  toHavePrinted(received: unknown, text: string) {
    const { text: printed } = sessionOf(received).console;
    return {
      pass: printed.includes(text),
      message: () =>
        `expected the guest${this.isNot ? ' not' : ''} to have printed ${JSON.stringify(text)}; it printed:\n${printed}`,
    };
  },
  toHaveExited(received: unknown, code: number) {
    const { exitCode } = sessionOf(received);
    const found = exitCode === undefined ? 'it is still on' : `it exited with ${exitCode}`;
    return {
      pass: exitCode === code,
      message: () => `expected the guest${this.isNot ? ' not' : ''} to have exited with ${code}; ${found}`,
    };
  },
});

function sessionOf(received: unknown): DebugSession {
  if (received instanceof DebugSession) return received;
  throw new TypeError('this matcher takes a session, as boot() or openRecording() gives it');
}
