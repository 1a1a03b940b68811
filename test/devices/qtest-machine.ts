import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** A QEMU `virt` whose CPU is halted: its devices and memory, by physical address. */
export class QtestMachine implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve(answer: string): void; reject(error: Error): void }[] = [];
  #rest = '';
  #errors = '';
  #ended = false;

  constructor(args: readonly string[]) {
    this.#child = spawn('qemu-system-riscv64', [
      ...'-M virt -S -qtest stdio -display none -monitor none -bios none -serial null'.split(' '),
      ...args,
    ]);
    this.#child.stdin.on('error', () => {});
    this.#child.stdout.setEncoding('latin1').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('OK')) this.#waiting.shift()?.resolve(line.slice(3));
        else if (!line.startsWith('IRQ')) this.#waiting.shift()?.reject(new Error(`QEMU said: ${line}`));
      }
    });
    this.#child.stderr.on('data', (text: Buffer) => {
      this.#errors += text;
    });
    this.#child.on('close', () => {
      this.#ended = true;
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`QEMU ended: ${this.#errors}`));
    });
  }

  async readRegister(address: number, size: 1 | 2 | 4): Promise<number> {
    return Number(await this.#command(`read${LETTER[size]} ${address}`));
  }

  async writeRegister(address: number, size: 1 | 2 | 4, value: number): Promise<void> {
    await this.#command(`write${LETTER[size]} ${address} ${value}`);
  }

  async readMemory(address: number, length: number): Promise<Uint8Array> {
    const hex = await this.#command(`read ${address} ${length}`);
    return new Uint8Array(Buffer.from(hex.slice(2), 'hex'));
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0)
      await this.#command(`write ${address} ${bytes.length} 0x${Buffer.from(bytes).toString('hex')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
  }

  #command(text: string): Promise<string> {
    if (this.#ended) return Promise.reject(new Error(`QEMU ended: ${this.#errors}`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${text}\n`);
    });
  }
}

const LETTER = { 1: 'b', 2: 'w', 4: 'l' } as const;
