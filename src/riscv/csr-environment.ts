/** menvcfg with what extensions have put into its high word (privileged spec 3.1.18). */
import { type BitCsr, readBits, writeBits } from './csr-bits.js';
import type { Csr, CsrFile } from './csr-file.js';
import { type HartConfig, INTERRUPT, MENVCFG_HIGH } from './privileged.js';

const highBits = ({ extensions }: HartConfig): number =>
  (extensions.has('sstc') ? MENVCFG_HIGH.stce : 0) + (extensions.has('svpbmt') ? MENVCFG_HIGH.pbmte : 0);

function writeHigh(file: CsrFile, mask: number, value: number): void {
  const { menvcfg } = file.state;
  const changed = ((menvcfg[1] ^ value) & mask) >>> 0;
  menvcfg[1] ^= changed;
  if ((changed & MENVCFG_HIGH.pbmte) !== 0) file.ports.translationChanged();
  if ((changed & MENVCFG_HIGH.stce) !== 0) {
    // From here on STIP is the comparison's, or, where that ends, nobody's.
    file.state.softwarePending &= ~(1 << INTERRUPT.supervisorTimer);
    file.ports.timerChanged();
  }
}

/** `low`: the row of the low word, and the whole one where there is nothing in the high word. */
export function machineEnvironment(low: BitCsr, config: HartConfig): readonly Csr[] {
  const mask = highBits(config);
  if (config.xlen === 32) {
    const high: Csr = {
      name: 'menvcfgh',
      number: 0x31a,
      read: file => file.set(file.state.menvcfg[1]),
      write: (file, value) => writeHigh(file, mask, value),
    };
    return [low, high];
  }
  if (mask === 0) return [low];
  const whole: Csr = {
    name: low.name,
    number: low.number,
    read: file => readBits(low.bits, file.state, config.xlen, file),
    write: (file, lowValue, highValue) => {
      writeBits(low.bits, file.state, config.xlen, lowValue, highValue);
      writeHigh(file, mask, highValue);
    },
  };
  return [whole];
}
