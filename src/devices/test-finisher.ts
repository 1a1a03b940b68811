import type { MmioDevice, PowerPort } from '../ports/device.js';

const FAIL = 0x3333;
const PASS = 0x5555;
const RESET = 0x7777;

/** SiFive test finisher: a write to offset 0 ends or resets the machine. It holds no state. */
export class TestFinisher implements MmioDevice {
  readonly access = { min: 2, max: 4 } as const;
  readonly width = 4;

  constructor(private readonly power: PowerPort) {}

  read(): number {
    return 0;
  }

  peek(): number {
    return 0;
  }

  /** Commands in the low 16 bits; FAIL carries its exit code in the upper 16, of which 8 reach the host. */
  write(offset: number, _size: number, value: number): void {
    if (offset !== 0) return;
    const command = value & 0xffff;
    if (command === PASS) this.power.powerOff(0);
    else if (command === FAIL) this.power.powerOff((value >>> 16) & 0xff);
    else if (command === RESET) this.power.reset();
  }
}
