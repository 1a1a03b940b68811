import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VIRT_IRQ, VIRT_MAP } from '../../src/boards/virt/memory-map.js';
import { Clint, clintState } from '../../src/devices/clint.js';
import { GoldfishRtc, goldfishRtcState } from '../../src/devices/goldfish-rtc.js';
import { Plic, plicState } from '../../src/devices/plic.js';
import { UART_STATE, Uart16550 } from '../../src/devices/uart16550.js';
import { type Access, type Answer, accessQemu, hasQemu } from './qtest.js';
import { instantiate } from './rig.js';

/** The board's devices as QEMU wires them, at physical addresses. */
function ourBoard(tapPlic: boolean): (access: Access) => Answer {
  const { device: clint } = instantiate(
    clintState(1),
    (state, rig) =>
      new Clint(state, rig.clock, [{ msip: rig.line('msip'), mtip: rig.line('mtip'), timer: rig.timer(0) }]),
  );
  const { device: plic } = instantiate(
    plicState(2),
    (state, rig) => new Plic(state, [rig.line('M'), rig.line('S')], 'raise'),
  );
  const { device: uart, rig: uartRig } = instantiate(
    UART_STATE,
    (state, rig) =>
      new Uart16550(state, {
        irq: tapPlic ? rig.line('irq') : plic.input(VIRT_IRQ.uart0),
        output: rig.output,
        clock: rig.clock,
        timer: rig.timer(0),
      }),
  );
  const { device: rtc } = instantiate(
    goldfishRtcState(1_600_000_000),
    (state, rig) =>
      new GoldfishRtc(state, { irq: plic.input(VIRT_IRQ.rtc), clock: rig.clock, timer: rig.timer(0) }),
  );
  const windows = [
    { region: VIRT_MAP.rtc, device: rtc },
    { region: VIRT_MAP.clint, device: clint },
    { region: VIRT_MAP.plic, device: plic },
    { region: VIRT_MAP.uart0, device: uart },
  ];
  return ({ address, size, value }) => {
    const found = windows.find(
      ({ region }) => address >= region.base && address < region.base + region.bytes,
    );
    if (!found) throw new Error(`nothing at 0x${address.toString(16)}`);
    const offset = address - found.region.base;
    let shown = 0;
    if (value === undefined) shown = found.device.read(offset, size);
    else found.device.write(offset, size, value);
    return { value: shown, high: uartRig.levels.get('irq') ? [VIRT_IRQ.uart0] : [] };
  };
}

const text = ({ address, value }: Access) =>
  `0x${address.toString(16)}${value === undefined ? '' : ` = 0x${value.toString(16)}`}`;

async function expectAlike(accesses: readonly Access[], options: { tapPlic?: boolean } = {}): Promise<void> {
  const board = ourBoard(options.tapPlic ?? false);
  const ours = accesses.map(board);
  const theirs = await accessQemu(accesses, options);
  for (const [i, answer] of ours.entries()) {
    const trail = accesses.slice(Math.max(0, i - 20), i + 1).map(text);
    expect(answer, `access ${i}, the last of: ${trail.join(', ')}`).toEqual(theirs[i]);
  }
}

const accessAt = (addresses: readonly number[], size: 1 | 4, values: fc.Arbitrary<number>) =>
  fc
    .tuple(fc.constantFrom(...addresses), fc.option(values, { nil: undefined }))
    .map(([address, value]): Access => (value === undefined ? { address, size } : { address, size, value }));

const sampled = (access: fc.Arbitrary<Access>, length: number, seed: number): Access[] =>
  fc.sample(access, { numRuns: length, seed });

describe.skipIf(!hasQemu())(
  `devices answer as QEMU's (skipped unless qemu-system-riscv64 is installed)`,
  () => {
    const uart = VIRT_MAP.uart0.base;
    const plic = VIRT_MAP.plic.base;
    const clint = VIRT_MAP.clint.base;

    test('uart: random accesses in loopback and out of it, with its interrupt line', async () => {
      const registers = [0, 1, 2, 3, 4, 5, 6, 7].map(offset => uart + offset);
      const settings = fc.constantFrom<Access>(
        { address: uart + 4, size: 1, value: 0x10 },
        { address: uart + 3, size: 1, value: 3 },
        { address: uart + 2, size: 1, value: 1 },
        { address: uart + 2, size: 1, value: 0x81 },
        { address: uart + 1, size: 1, value: 0x0f },
        { address: uart + 1, size: 1, value: 0x05 },
      );
      const data = fc.nat(255).map((value): Access => ({ address: uart, size: 1, value }));
      const any = accessAt(registers, 1, fc.nat(255));
      const reads = fc
        .constantFrom(0, 0, 2, 5)
        .map((offset): Access => ({ address: uart + offset, size: 1 }));
      for (let seed = 1; seed <= 4; seed++) {
        const accesses = sampled(fc.oneof(any, settings, data, reads), 5000, seed);
        await expectAlike(accesses, { tapPlic: true });
      }
    });

    test('clint: msip, mtimecmp and mtime in 32-bit halves', async () => {
      const registers = [0, 4, 0x4000, 0x4004, 0x4008, 0xbff8, 0xbffc].map(offset => clint + offset);
      await expectAlike(sampled(accessAt(registers, 4, fc.nat(0xffff_ffff)), 2000, 1));
    });

    test('plic: registers and their writable bits', async () => {
      const registers = [4, 8, 0x28, 0x17c, 0x180, 0x184, 0x1000, 0x1008, 0x100c]
        .concat([0x2000, 0x2008, 0x200c, 0x2080, 0x2088, 0x2100])
        .concat([0x20_0000, 0x20_1000, 0x20_2000])
        .map(offset => plic + offset);
      await expectAlike(sampled(accessAt(registers, 4, fc.nat(0xffff_ffff)), 2000, 1));
    });

    test('plic: random handlers of two sources at once, what they read and what they leave out', async () => {
      const sources = (1 << VIRT_IRQ.uart0) | (1 << VIRT_IRQ.rtc);
      const write = (address: number, value: number, size: 1 | 4 = 4): Access => ({ address, size, value });
      const read = (address: number, size: 1 | 4 = 4): Access => ({ address, size });
      const claims = [plic + 0x20_0004, plic + 0x20_1004];
      const rtc = VIRT_MAP.rtc.base;
      const [alarmLow, enabled, clear] = [rtc + 8, rtc + 0x10, rtc + 0x1c];
      const controller = [
        ...claims.map(claim => read(claim)),
        ...claims.flatMap(claim => [VIRT_IRQ.uart0, VIRT_IRQ.rtc].map(source => write(claim, source))),
        read(plic + 0x1000),
        write(plic + 0x2000, sources),
        write(plic + 0x2000, 1 << VIRT_IRQ.rtc),
        write(plic + 0x2080, sources),
        write(plic + 4 * VIRT_IRQ.uart0, 3),
        write(plic + 4 * VIRT_IRQ.rtc, 2),
        write(plic + 4 * VIRT_IRQ.rtc, 5),
        write(plic + 0x20_0000, 2),
        write(plic + 0x20_0000, 0),
      ];
      const serial = [
        ...[0, 0, 65, 66].map(byte => write(uart, byte, 1)),
        ...[0, 2, 5, 6].map(offset => read(uart + offset, 1)),
        ...[0, 1, 2, 2, 3, 5, 7, 15].map(value => write(uart + 1, value, 1)),
        ...[0, 1, 3, 7, 0x81].map(value => write(uart + 2, value, 1)),
        write(uart + 4, 0x10, 1),
        write(uart + 4, 0, 1),
        write(uart + 3, 3, 1),
      ];
      // An alarm in the past, at once.
      const clock = [
        write(alarmLow, 1),
        write(enabled, 1),
        write(enabled, 1),
        write(enabled, 0),
        write(clear, 1),
      ];
      const any = fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...controller) },
        { weight: 4, arbitrary: fc.constantFrom(...serial) },
        { weight: 1, arbitrary: fc.constantFrom(...clock) },
      );
      for (let seed = 1; seed <= 4; seed++) await expectAlike(sampled(any, 5000, seed));
    });

    test('plic: the uart claimed and completed, by priority and threshold', async () => {
      const write = (address: number, value: number): Access => ({ address, size: 4, value });
      const read = (address: number): Access => ({ address, size: 4 });
      const claim = plic + 0x20_0004;
      await expectAlike([
        write(plic + 4 * VIRT_IRQ.uart0, 3),
        write(plic + 0x2000, 1 << VIRT_IRQ.uart0),
        read(claim),
        { address: uart + 1, size: 1, value: 2 },
        write(plic + 0x20_0000, 3),
        read(claim),
        write(plic + 0x20_0000, 2),
        read(plic + 0x20_1004),
        read(claim),
        read(claim),
        { address: uart + 2, size: 1 },
        write(claim, VIRT_IRQ.uart0),
        read(claim),
        read(plic + 0x1000),
        { address: uart, size: 1, value: 65 },
        read(plic + 0x1000),
        read(claim),
      ]);
    });
  },
);
