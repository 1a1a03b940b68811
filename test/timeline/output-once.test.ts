/** What the guest, or a debugger's write, sends to the host is sent once, however often it is replayed. */
import { describe, expect, it } from 'vitest';
import { boot } from '../../src/api/index.js';

const UART = 0x1000_0000n;

describe("what a debugger's write prints", () => {
  it('at the end of history appears once, however often it is replayed', async () => {
    using session = boot('fixtures/rv64/demo.elf');
    await session.runUntil('main');
    const { target } = session;
    const before = session.console.text;
    target.writeMemory(0, UART, new Uint8Array([0x51]));
    expect(session.console.text).toBe(`${before}Q`);
    for (let i = 0; i < 3; i++) {
      await session.reverseStep();
      await session.step();
    }
    await session.seek('start');
    await session.seek('end');
    target.writeMemory(0, UART, new Uint8Array([0x52]));
    await session.reverseStep(5);
    await session.step(9);
    expect(session.console.text).toBe(`${before}QR`);
  });

  it('in the past appears once, and what its parent printed there does not again', async () => {
    using session = boot('fixtures/rv64/demo.elf');
    await session.runUntil('main');
    const { target } = session;
    target.writeMemory(0, UART, new Uint8Array([0x51]));
    await session.step(5);
    await session.reverseStep(5);
    const before = session.console.text;
    target.writeMemory(0, UART, new Uint8Array([0x53]));
    for (let i = 0; i < 2; i++) {
      await session.reverseStep(2);
      await session.step(2);
      await session.step(2);
      await session.reverseStep(2);
    }
    expect(session.console.text).toBe(`${before}S`);
    await target.branches.switchTo('main');
    await session.seek('start');
    await session.seek('end');
    expect(session.console.text).toBe(`${before}S`);
  });
});
