import { spawn, spawnSync } from 'node:child_process';

const QEMU = 'qemu-system-riscv64';

export function hasQemu(): boolean {
  return spawnSync(QEMU, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** One access to a device of QEMU's `virt`, at a physical address. */
export interface Access {
  readonly address: number;
  readonly size: 1 | 4;
  /** Absent for a read. */
  readonly value?: number;
}

/** What an access showed: the value read (0 for a write) and the lines then high at the PLIC, if tapped. */
export interface Answer {
  readonly value: number;
  readonly high: readonly number[];
}

const LETTER = { 1: 'b', 4: 'l' } as const;

/** QEMU 7.2's name for the PLIC of `virt`. */
const PLIC_PATH = '/machine/unattached/device[2]';

/**
 * Performs accesses on QEMU's own devices, its CPU halted and its clock at zero. `tapPlic` reports the PLIC's
 * input lines, which then no longer reach it.
 */
export async function accessQemu(
  accesses: readonly Access[],
  options: { readonly tapPlic?: boolean; readonly args?: readonly string[] } = {},
): Promise<Answer[]> {
  const child = spawn(
    QEMU,
    [
      ...'-M virt -S -qtest stdio -display none -monitor none -bios none -serial null'.split(' '),
      ...(options.args ?? []),
    ],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  try {
    const commands = accesses.map(({ address, size, value }) =>
      value === undefined ? `read${LETTER[size]} ${address}` : `write${LETTER[size]} ${address} ${value}`,
    );
    if (options.tapPlic) commands.unshift(`irq_intercept_in ${PLIC_PATH}`);
    child.stdin.write(`${commands.join('\n')}\n`);
    const answers: Answer[] = [];
    const high = new Set<number>();
    let rest = '';
    for await (const chunk of child.stdout) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [word, second, third] = line.split(' ');
        if (word === 'IRQ' && second === 'raise') high.add(Number(third));
        else if (word === 'IRQ') high.delete(Number(third));
        else if (word === 'OK') answers.push({ value: Number(second ?? 0), high: [...high] });
        else throw new Error(`QEMU said: ${line}`);
      }
      if (answers.length >= commands.length) break;
    }
    if (answers.length < commands.length) throw new Error(`QEMU answered ${answers.length} commands only`);
    return answers.slice(commands.length - accesses.length);
  } finally {
    child.kill('SIGKILL');
  }
}
