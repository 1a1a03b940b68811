/** The guests that benches run, and backstub's command line for each. */
import { join } from 'node:path';

const OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';

const firmware = (name, options = {}) => ({
  file: `fixtures/rv64/${name}.elf`,
  shift: 1,
  harts: 1,
  ...options,
});
const image = join(process.env.BACKSTUB_LINUX ?? '/tmp/linux-out', 'Image');
const linux = append => ({ file: image, shift: 3, harts: 1, bios: OPENSBI, append });
export const LOADS = {
  compute: firmware('compute-long'),
  branches: firmware('bench-branches'),
  memory: firmware('bench-memory'),
  float: firmware('bench-float'),
  'timer interrupts': firmware('bench-ticks'),
  'calls and traps': firmware('bench-calls'),
  'one hart': firmware('bench-harts'),
  'four harts': firmware('bench-harts', { harts: 4 }),
  'Linux boot': linux('console=ttyS0 earlycon=sbi'),
  'Linux, work=100': linux('console=ttyS0 earlycon=sbi work=100'),
};

/** Arguments of `command` on a load. */
export function argumentsFor(command, load, ...more) {
  const args = [command, load.file, '--serial', 'null', '--icount', `shift=${load.shift}`];
  if (load.harts > 1) args.push('--smp', String(load.harts));
  if (load.bios) args.push('--bios', load.bios, '--append', load.append);
  return [...args, ...more];
}
