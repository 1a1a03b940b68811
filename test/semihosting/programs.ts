/** Small programs that make calls, assembled by hand. */
import * as asm from '../lockstep/encode.js';
import type { BootOptions, Live } from '../support/sessions.js';
import { bootBytes } from '../support/sessions.js';

export const [A0, A1] = [10, 11];
export const START = 0x8000_0000;
export const BEFORE = 0x01f0_1013;
export const EBREAK = 0x0010_0073;
export const BEHIND = 0x4070_5013;
export const CALL = [BEFORE, EBREAK, BEHIND];
/** Where programs have text and blocks. */
export const DATA = START + 0x3000;

export const li = (register: number, value: number) => [asm.IMMEDIATE_OPS.addi(register, 0, value)];
export const la = (register: number, address: number, at: number) => asm.loadAddress(register, address, at);

/** Instructions at an address, and words and texts at others, as an image of RAM. */
export function image(
  parts: readonly (readonly [address: number, content: readonly number[] | string | Uint8Array])[],
) {
  const memory = new Uint8Array(0x6000);
  for (const [address, content] of parts) {
    const bytes =
      typeof content === 'string'
        ? new TextEncoder().encode(content)
        : content instanceof Uint8Array
          ? content
          : asm.assemble(content);
    memory.set(bytes, address - START);
  }
  return memory;
}

export const words64 = (...words: readonly number[]) => {
  const view = new DataView(new ArrayBuffer(8 * words.length));
  for (const [index, word] of words.entries()) view.setBigUint64(8 * index, BigInt(word), true);
  return new Uint8Array(view.buffer);
};

export const bootImage = (memory: Uint8Array, options: BootOptions = {}): Live =>
  bootBytes('calls.bin', memory, {
    ...options,
    config: { cpu: 'rv64gc', semihosting: 'console', ramBytes: 4 << 20, ...options.config },
  });
