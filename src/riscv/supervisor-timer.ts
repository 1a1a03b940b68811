/** The supervisor's own timer (Sstc 1.0; privileged spec, chapter "Sstc"). */
import type { Csr, CsrFile } from './csr-file.js';
import type { SstcState } from './extension-state.js';
import type { HartState } from './hart-state.js';
import { type HartConfig, MENVCFG_HIGH, PRIVILEGE } from './privileged.js';

/** The board's side: it raises the interrupt when time gets there. */
export interface SupervisorTimersPort {
  /** A hart's is pending from when the time registers show this value on. */
  set(hart: number, low: number, high: number): void;
  /** It is not pending, whatever the time. */
  stop(hart: number): void;
}

/** Whether STIP is the comparison's and not software's. */
export const comparesTime = ({ menvcfg }: HartState): boolean => (menvcfg[1] & MENVCFG_HIGH.stce) !== 0;

/** STIP of one hart, which follows time and stimecmp. */
export class SupervisorTimer {
  constructor(
    private readonly id: number,
    private readonly hart: HartState,
    private readonly state: SstcState,
    private readonly port: SupervisorTimersPort,
  ) {}

  /** What it depends on has changed. */
  update(): void {
    const [low, high] = this.state.stimecmp;
    if (comparesTime(this.hart)) this.port.set(this.id, low, high);
    else this.port.stop(this.id);
  }
}

const TIME_BIT = 1;

const permits = ({ state }: CsrFile): boolean =>
  state.privilege === PRIVILEGE.machine ||
  (((state.mcounteren >>> TIME_BIT) & 1) === 1 && comparesTime(state));

function write(file: CsrFile, word: 0 | 1, value: number): void {
  file.extensionStates.sstc!.stimecmp[word] = value;
}

/** stimecmp, of two halves on RV32. */
export const supervisorTimerRows = ({ xlen }: HartConfig): readonly Csr[] => {
  const wide = xlen === 64;
  const low: Csr = {
    name: 'stimecmp',
    number: 0x14d,
    permits,
    read: file => {
      const [low, high] = file.extensionStates.sstc!.stimecmp;
      file.set(low, wide ? high : 0);
    },
    write: (file, low, high) => {
      write(file, 0, low);
      if (wide) write(file, 1, high);
      file.ports.timerChanged();
    },
  };
  const high: Csr = {
    name: 'stimecmph',
    number: 0x15d,
    permits,
    read: file => file.set(file.extensionStates.sstc!.stimecmp[1]),
    write: (file, low) => {
      write(file, 1, low);
      file.ports.timerChanged();
    },
  };
  return wide ? [low] : [low, high];
};
