import { firstFile } from '../host/files/first-file.js';
import { InputError } from '../state/input-error.js';

/** Where packages put OpenSBI's firmware for a next stage that is named at start: QEMU's own, Debian's, Fedora's. */
const places = (xlen: 32 | 64): readonly string[] => [
  `/usr/share/qemu/opensbi-riscv${xlen}-generic-fw_dynamic.bin`,
  `/usr/local/share/qemu/opensbi-riscv${xlen}-generic-fw_dynamic.bin`,
  `/opt/homebrew/share/qemu/opensbi-riscv${xlen}-generic-fw_dynamic.bin`,
  `/usr/lib/riscv${xlen}-linux-gnu/opensbi/generic/fw_dynamic.bin`,
  `/usr/share/opensbi/${xlen === 64 ? 'lp64' : 'ilp32'}/generic/firmware/fw_dynamic.bin`,
];

/** The OpenSBI that is installed. Throws InputError when there is none. */
export function findOpenSbi(xlen: 32 | 64): string {
  const found = firstFile(places(xlen));
  if (found !== undefined) return found;
  throw new InputError(
    `no OpenSBI for ${xlen}-bit harts is installed (Debian: apt-get install opensbi, or qemu-system-data)`,
    { setting: 'bios', value: 'its file' },
  );
}
