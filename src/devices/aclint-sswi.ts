import type { MmioDevice } from '../ports/device.js';

/**
 * Supervisor software interrupts of the ACLINT (specification 1.0, chapter 4): SETSSIP, one word a hart. Writing 1
 * makes the hart's interrupt pending, which its software clears; a word reads 0. It holds no state.
 */
export class AclintSswi implements MmioDevice {
  readonly access = { min: 4, max: 4 } as const;
  readonly width = 4;

  constructor(
    private readonly harts: number,
    private readonly pend: (hart: number) => void,
  ) {}

  read(): number {
    return 0;
  }

  peek(): number {
    return 0;
  }

  write(offset: number, _size: number, value: number): void {
    const hart = offset / 4;
    if (offset % 4 === 0 && hart < this.harts && (value & 1) !== 0) this.pend(hart);
  }
}
