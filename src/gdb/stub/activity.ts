/** Some work for one packet: what interrupts it, and how the debugger is kept waiting meanwhile. */

const PATIENCE_MS = 1000;

export interface Waiting {
  /** Shows text in the debugger's console. */
  readonly print: (text: string) => void;
  /** Tells a debugger that takes no text now that its answer will come. */
  readonly wait: () => void;
}

export class Activity {
  /** 0x03 came after it had begun. */
  interrupted = false;
  /** A question that nobody waits for any more: its answer would be taken for another's. */
  givenUp = false;
  private quiet = true;
  private said = false;
  private readonly stopTicking: () => void;

  constructor(
    /** `question`: a monitor command; `request`: whatever is neither that nor a resume. */
    readonly kind: 'resume' | 'question' | 'request',
    timer: { every(ms: number, wake: () => void): () => void },
    waiting: Waiting,
  ) {
    this.stopTicking = kind === 'resume' ? () => {} : timer.every(PATIENCE_MS, () => this.tick(waiting));
  }

  /** Something was shown to the user. */
  printed(): void {
    this.quiet = false;
    this.said = true;
  }

  /**
   * A packet came behind a question. A debugger that waits for the answer sends none, so after an interrupt the
   * question is given up. GDB sends no interrupt there: its Ctrl-C makes it leave at the next line of text (GDB 13,
   * remote.c `remote_serial_quit_handler` and `remote_target::rcmd`), so a packet behind such a line says the same.
   */
  packetCame(fromGdb: boolean): void {
    if (this.kind === 'question' && (this.interrupted || (fromGdb && this.said))) this.givenUp = true;
  }

  end(): void {
    this.stopTicking();
  }

  private tick({ print, wait }: Waiting): void {
    if (this.kind === 'request') {
      wait();
      return;
    }
    if (this.quiet) print('still working...\n');
    this.quiet = true;
  }
}
