import { afterEach, expect, test } from 'vitest';
import { searchThreads, Thread } from '../../src/host/threads.js';

const threads: Thread[] = [];
afterEach(() => {
  for (const thread of threads.splice(0)) thread.end();
  delete process.env.BACKSTUB_SEARCH_WORKERS;
});

/** A thread whose file answers each message with what an expression of `message` and `workerData` gives. */
function thread(expression: string): Thread {
  const code = `
    import { parentPort, workerData } from 'node:worker_threads';
    parentPort.on('message', message => parentPort.postMessage(${expression}));`;
  const made = new Thread(new URL(`data:text/javascript,${encodeURIComponent(code)}`), 40);
  threads.push(made);
  return made;
}

test('a thread answers, one message after the other', async () => {
  const adder = thread('({ value: message + workerData })');
  expect(adder.busy).toBe(false);
  const answer = adder.ask(2);
  expect(adder.busy).toBe(true);
  expect(() => adder.ask(3)).toThrow('busy');
  expect(await answer).toBe(42);
  expect(await adder.ask(3)).toBe(43);
});

test('what fails in a thread is told, and the thread goes on', async () => {
  const moody = thread("message ? { value: 1 } : { failure: 'no' }");
  await expect(moody.ask(false)).rejects.toThrow('no');
  expect(await moody.ask(true)).toBe(1);
});

test.each([
  ['ends', 'process.exit(3)', 'the thread ended with 3'],
  ['throws', 'missing', 'missing is not defined'],
])('a thread that %s answers no more', async (_name, expression, why) => {
  const gone = thread(expression);
  await expect(gone.ask(1)).rejects.toThrow(why);
  await expect(gone.ask(1)).rejects.toThrow(why);
  expect(gone.gone).toContain(why);
});

test('a file that is not there is a failure of the first message', async () => {
  const missing = new Thread(new URL('./no-such-thread.js', import.meta.url), undefined);
  threads.push(missing);
  await expect(missing.ask(1)).rejects.toThrow('no-such-thread');
});

test('BACKSTUB_SEARCH_WORKERS says how many threads search', () => {
  process.env.BACKSTUB_SEARCH_WORKERS = '7';
  expect(searchThreads()).toBe(7);
  process.env.BACKSTUB_SEARCH_WORKERS = '0';
  expect(searchThreads()).toBe(0);
  process.env.BACKSTUB_SEARCH_WORKERS = 'many';
  expect(searchThreads()).toBeLessThanOrEqual(4);
});
