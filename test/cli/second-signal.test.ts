/** The first signal asks for an orderly end; another one, unless it is the same key press, ends the process at once. */
import { afterEach, expect, test, vi } from 'vitest';
import { withSignals } from '../../src/cli/signals.js';

afterEach(() => {
  vi.restoreAllMocks();
});

test('a second signal half a second later ends at once, with the code of the first', async () => {
  let ms = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => ms);
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
  const asked: string[] = [];
  let finish = () => {};
  const work = withSignals(
    signal => asked.push(signal),
    () =>
      new Promise<void>(resolve => {
        finish = resolve;
      }),
  );
  process.emit('SIGTERM', 'SIGTERM');
  expect(asked).toEqual(['SIGTERM']);
  ms += 500;
  process.emit('SIGINT', 'SIGINT');
  expect(exit).not.toHaveBeenCalled();
  ms += 1;
  process.emit('SIGINT', 'SIGINT');
  expect(exit.mock.calls).toEqual([[143]]);
  expect(asked).toEqual(['SIGTERM']);
  finish();
  expect((await work).signal).toBe('SIGTERM');
  expect(process.listenerCount('SIGHUP')).toBe(0);
});
