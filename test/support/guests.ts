/** Guests that are not ours: firmware of Debian packages, and a Linux kernel that was built for tests. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import type { SessionOptions } from '../../src/assembly/session.js';
import { type BootOptions, bootBytes, type Live } from './sessions.js';

const OPENSBI_FOLDER = '/usr/lib/riscv64-linux-gnu/opensbi/generic';

export const OPENSBI = {
  dynamic: join(OPENSBI_FOLDER, 'fw_dynamic.bin'),
  jump: join(OPENSBI_FOLDER, 'fw_jump.bin'),
} as const;

export const U_BOOT = {
  supervisor: '/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin',
  machine: '/usr/lib/u-boot/qemu-riscv64/u-boot.bin',
} as const;

/** Why the firmware cannot be tried, or undefined when it can. */
export const firmwareMissing = [...Object.values(OPENSBI), ...Object.values(U_BOOT)].every(existsSync)
  ? undefined
  : 'needs the Debian packages opensbi and u-boot-qemu';

export interface Kernel {
  readonly image: string;
  /** The same with symbols. */
  readonly vmlinux: string;
  /** What comes with it beside its built-in init, if anything. */
  readonly initrd: string | undefined;
}

const LINUX_VARIANTS = {
  up: { given: 'BACKSTUB_LINUX', otherwise: '/tmp/linux-out' },
  smp: { given: 'BACKSTUB_LINUX_SMP', otherwise: '/tmp/linux-smp' },
  devices: { given: 'BACKSTUB_LINUX_DEVICES', otherwise: '/tmp/linux-devices' },
} as const;

/**
 * A kernel with its init: for one hart, one with SMP, or one with drivers for all devices. $BACKSTUB_LINUX,
 * $BACKSTUB_LINUX_SMP and $BACKSTUB_LINUX_DEVICES name folders that hold them; else what `npm run test:full` has built.
 */
export function linuxKernel(variant: keyof typeof LINUX_VARIANTS): Kernel | undefined {
  const cache = join(homedir(), '.cache/backstub');
  const built = existsSync(cache)
    ? readdirSync(cache).filter(name => new RegExp(`^linux-${variant}-[0-9a-f]{16}$`).test(name))
    : [];
  const { given, otherwise } = LINUX_VARIANTS[variant];
  const folders = [process.env[given], ...built.map(name => join(cache, name)), otherwise];
  for (const folder of folders) {
    if (folder === undefined) continue;
    const initrd = join(folder, 'initrd');
    const kernel = {
      image: join(folder, 'Image'),
      vmlinux: join(folder, 'vmlinux'),
      initrd: existsSync(initrd) ? initrd : undefined,
    };
    if (existsSync(kernel.image) && existsSync(kernel.vmlinux)) return kernel;
  }
  return undefined;
}

export const namedFile = (path: string) => ({
  name: basename(path),
  bytes: new Uint8Array(readFileSync(path)),
});

/** A guest behind firmware, or without `bios` alone. */
export function bootGuest(
  kernel: string,
  bios: string | undefined,
  options: BootOptions & { readonly config?: SessionOptions['config'] } = {},
): Live {
  const { name, bytes } = namedFile(kernel);
  return bootBytes(name, bytes, { ...options, bios: bios === undefined ? undefined : namedFile(bios) });
}

const QEMU = 'qemu-system-riscv64';
export const hasQemu = spawnSync(QEMU, ['--version'], { stdio: 'ignore' }).status === 0;

/** QEMU's name for our default hart. */
export const QEMU_CPU = 'rv64,h=off,sstc=off,zbc=off,Zihintpause=off,pmu-num=0';

/**
 * What a guest prints on QEMU, with our device tree, until it powers off or `timeoutMs` have passed. `answers` as
 * those of MemoryConsole.
 */
export function consoleOnQemu(
  args: readonly string[],
  answers: readonly (readonly [prompt: string, reply: string])[],
  timeoutMs: number,
): Promise<string> {
  const child = spawn(QEMU, ['-M', 'virt', '-cpu', QEMU_CPU, '-nographic', '-monitor', 'none', ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const left = [...answers];
  let text = '';
  let searched = 0;
  child.stdin.on('error', () => {});
  child.stdout.setEncoding('latin1').on('data', (part: string) => {
    text += part;
    for (let [next] = left; next !== undefined; [next] = left) {
      const at = text.indexOf(next[0], searched);
      if (at < 0) return;
      searched = at + next[0].length;
      left.shift();
      child.stdin.write(next[1]);
    }
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}
