import type { LoggedEvent } from '../machine/ports.js';
import { InputLog } from '../replay/input-log.js';
import { type Recording, type RecordingEnd, startIcount } from '../replay/recording.js';

/**
 * What is known to have happened: every input, and how far it goes. A live history grows at its end; that of
 * a recording is complete.
 */
export class History {
  readonly log: InputLog;
  /** Last boundary that can be visited. */
  end: number;
  /** How the guest ended, when that is part of the history. */
  powerOff: { readonly code: number } | undefined;

  private constructor(
    readonly mode: 'live' | 'replay',
    /** First boundary that can be visited. */
    readonly begin: number,
    events: readonly LoggedEvent[],
    end: number,
  ) {
    this.log = new InputLog(events);
    this.end = end;
  }

  static live(begin: number): History {
    return new History('live', begin, [], begin);
  }

  /** A live history that begins as another one did, with its first `cursor` events, up to a boundary. */
  static fork(from: History, cursor: number, icount: number): History {
    return new History('live', from.begin, from.log.slice(0, cursor), icount);
  }

  static of({ header, events, end }: Recording): History {
    const history = new History('replay', startIcount(header), events, end.icount);
    if (end.kind === 'power-off') history.powerOff = { code: end.code };
    return history;
  }

  /** How a recording of it ends: as the guest did, or because `reason` stopped it. */
  recordedEnd(reason: string): RecordingEnd {
    const icount = this.end;
    return this.powerOff === undefined
      ? { kind: 'stopped', icount, reason }
      : { kind: 'power-off', icount, code: this.powerOff.code };
  }
}
