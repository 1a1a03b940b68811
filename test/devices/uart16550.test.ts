import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UART_STATE, Uart16550 } from '../../src/devices/uart16550.js';
import { instantiate } from './rig.js';

const uart = () => {
  const { device, rig } = instantiate(
    UART_STATE,
    (state, r) =>
      new Uart16550(state, { irq: r.line('irq'), output: r.output, clock: r.clock, timer: r.timer(0) }),
  );
  return { device, rig, irq: () => rig.levels.get('irq') };
};

const DATA = 0;
const IER = 1;
const IIR = 2;
const FCR = 2;
const LCR = 3;
const LSR = 5;

test('what is written to THR reaches the host in order, and the transmitter is empty again', () => {
  const { device, rig } = uart();
  for (const byte of [104, 105, 10]) {
    expect(device.read(LSR, 1) & 0x60).toBe(0x60);
    device.write(DATA, 1, byte);
  }
  expect(rig.sent).toEqual([104, 105, 10]);
});

test('without FIFOs one byte at a time is taken', () => {
  const { device, irq } = uart();
  device.write(IER, 1, 1);
  expect(device.receiveRoom()).toBe(1);
  expect(device.receive(65)).toBe(true);
  expect(device.receive(66)).toBe(false);
  expect(irq()).toBe(true);
  expect(device.read(LSR, 1)).toBe(0x61);
  expect(device.read(DATA, 1)).toBe(65);
  expect(irq()).toBe(false);
  expect(device.receiveRoom()).toBe(1);
});

test.each([
  [0x01, 1],
  [0x41, 4],
  [0x81, 8],
  [0xc1, 14],
])('FIFO control %i interrupts at %i bytes and takes no more until they are read', (control, trigger) => {
  const { device, irq } = uart();
  device.write(FCR, 1, control);
  device.write(IER, 1, 1);
  for (let i = 0; i < trigger; i++) {
    expect(device.receiveRoom()).toBe(trigger - i);
    expect(irq()).toBe(false);
    expect(device.receive(i)).toBe(true);
  }
  expect(device.read(IIR, 1)).toBe(0xc4);
  expect(device.receive(99)).toBe(false);
  for (let i = 0; i < trigger; i++) expect(device.read(DATA, 1)).toBe(i);
  expect(device.read(LSR, 1)).toBe(0x60);
  expect(device.read(IIR, 1)).toBe(0xc1);
});

test('bytes below the trigger level are announced after four character times', () => {
  const { device, rig, irq } = uart();
  device.write(LCR, 1, 0x83);
  device.write(DATA, 1, 2);
  device.write(LCR, 1, 3);
  device.write(FCR, 1, 0x81);
  device.write(IER, 1, 1);
  device.receive(65);
  rig.advance(1000, device);
  device.receive(66);
  // 8N1 is 10 bits a character at 399193 / 2 baud.
  const characterNs = Math.floor(((1e9 * 2) / 399_193) * 10);
  const [deadline] = rig.deadlines;
  expect(Math.abs(deadline - (1000 + 4 * characterNs))).toBeLessThan(8);
  rig.advance(deadline - rig.nowNs - 1, device);
  expect(irq()).toBe(false);
  rig.advance(1, device);
  expect(irq()).toBe(true);
  expect(device.read(IIR, 1)).toBe(0xcc);
  expect(device.read(DATA, 1)).toBe(65);
  expect(irq()).toBe(false);
  rig.advance(4 * characterNs + 8, device);
  expect(device.read(IIR, 1)).toBe(0xcc);
  expect(device.read(DATA, 1)).toBe(66);
  expect(rig.deadlines).toEqual([Number.POSITIVE_INFINITY]);
});

test('in loopback the host is cut off and what is sent comes back; an overrun keeps the first 16 bytes', () => {
  const { device, rig, irq } = uart();
  device.write(FCR, 1, 1);
  device.write(4, 1, 0x10);
  device.write(IER, 1, 4);
  expect(device.receive(1)).toBe(false);
  for (let i = 0; i < 17; i++) device.write(DATA, 1, 100 + i);
  expect(rig.sent).toEqual([]);
  expect(irq()).toBe(true);
  expect(device.read(IIR, 1)).toBe(0xc6);
  expect(device.read(LSR, 1)).toBe(0x63);
  expect(irq()).toBe(false);
  expect(Array.from({ length: 16 }, () => device.read(DATA, 1))).toEqual(
    Array.from({ length: 16 }, (_, i) => 100 + i),
  );
});

test('every byte the host hands over is read once, in order', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 0x01, 0x41, 0x81, 0xc1),
      fc.array(fc.oneof(fc.nat(255), fc.constant('read' as const)), { maxLength: 80 }),
      (control, steps) => {
        const { device } = uart();
        device.write(FCR, 1, control);
        const taken: number[] = [];
        const seen: number[] = [];
        const drain = () => {
          if (device.read(LSR, 1) & 1) seen.push(device.read(DATA, 1));
        };
        for (const step of steps) {
          if (step === 'read') drain();
          else if (device.receive(step)) taken.push(step);
        }
        for (let i = 0; i < 16; i++) drain();
        expect(seen).toEqual(taken);
      },
    ),
  );
});
