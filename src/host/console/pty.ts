import { closeSync, constants, openSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import type { ConsoleBackend } from '../../ports/host.js';
import { InputError } from '../../state/input-error.js';

/** What is used of node-pty; its own types leave `open` out. */
interface PtyPackage {
  open(options: { readonly encoding: null }): OpenedPty;
}

interface OpenedPty {
  readonly ptsName: string;
  readonly master: ReadStream & NodeJS.WritableStream;
  readonly slave: ReadStream;
}

/**
 * A console on a new pseudo-terminal, for a terminal program to open; `tell` gets its name. Rejects with InputError
 * when the package that brings the native code is not installed, as on platforms without a prebuilt one.
 */
export async function openPty(tell: (line: string) => void): Promise<ConsoleBackend> {
  const terminal = (await loadPackage()).open({ encoding: null });
  const { master, slave } = terminal;
  slave.setRawMode(true);
  // The package would read what is meant for others. The end stays open here, so that programs may come and go.
  const kept = openSync(terminal.ptsName, constants.O_RDWR | constants.O_NOCTTY);
  slave.destroy();
  tell(`console on ${terminal.ptsName}`);
  let open = true;
  return {
    write(bytes) {
      if (open) master.write(Buffer.from(bytes));
    },
    onInput(listener) {
      master.on('data', (bytes: Buffer) => listener(new Uint8Array(bytes)));
    },
    close() {
      if (!open) return;
      open = false;
      master.destroy();
      closeSync(kept);
    },
  };
}

async function loadPackage(): Promise<PtyPackage> {
  try {
    const loaded: object = await import('@lydell/node-pty');
    return loaded as PtyPackage;
  } catch {
    throw new InputError('a pseudo-terminal needs a package: npm install @lydell/node-pty');
  }
}
