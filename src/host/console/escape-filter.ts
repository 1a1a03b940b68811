const CTRL_A = 0x01;

export type EscapeAction = 'quit' | 'help';

/** Keys typed at a terminal in raw mode, with the escapes of QEMU's `-nographic`: Ctrl-A and one more key. */
export class EscapeFilter {
  #escaped = false;

  /** The bytes meant for the guest; `act` is called for each escape. */
  feed(typed: Uint8Array, act: (action: EscapeAction) => void): Uint8Array {
    const kept: number[] = [];
    for (const byte of typed) {
      if (!this.#escaped) {
        if (byte === CTRL_A) this.#escaped = true;
        else kept.push(byte);
        continue;
      }
      this.#escaped = false;
      if (byte === CTRL_A) kept.push(byte);
      else if (byte === 0x78) act('quit');
      else if (byte === 0x68 || byte === 0x3f) act('help');
    }
    return Uint8Array.from(kept);
  }
}

export const ESCAPE_HELP = [
  'Ctrl-A h    show this help',
  'Ctrl-A x    quit',
  'Ctrl-A Ctrl-A    send Ctrl-A to the guest',
] as const;
