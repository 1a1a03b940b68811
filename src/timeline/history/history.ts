import { describeEnd } from '../../replay/end-kinds.js';
import { InputLog } from '../../replay/input-log.js';
import { type Recording, type RecordingEnd, type StopCause, startIcount } from '../../replay/recording.js';

/**
 * What is known to have happened: every input, and how far it goes. A live history grows at its end; that of
 * a recording is complete.
 */
export class History {
  /** Last boundary that can be visited. */
  end: number;
  /** How the guest ended, when that is part of the history. */
  powerOff: { readonly code: number } | undefined;
  /** How the recording ends that it is of. */
  recordedAs: RecordingEnd | undefined;

  private constructor(
    readonly mode: 'live' | 'replay',
    /** First boundary that can be visited. */
    readonly begin: number,
    readonly log: InputLog,
    end: number,
  ) {
    this.end = end;
  }

  static live(begin: number): History {
    return new History('live', begin, new InputLog(), begin);
  }

  /** A live history that begins as another one did, with its first `cursor` events, up to a boundary. */
  static fork(from: History, cursor: number, icount: number): History {
    return new History('live', from.begin, from.log.fork(cursor), icount);
  }

  static of({ header, events, end }: Recording): History {
    const history = new History('replay', startIcount(header), InputLog.from(events), end.icount);
    history.recordedAs = end;
    if (end.kind === 'power-off') history.powerOff = { code: end.code };
    return history;
  }

  /** What a stop at its end tells: that the guest is off, or why else a recording goes no further. */
  get atItsEnd(): { readonly powerOff?: { readonly code: number }; readonly recordedEnd?: string } {
    const { powerOff, recordedAs } = this;
    if (powerOff !== undefined) return { powerOff };
    return recordedAs === undefined ? {} : { recordedEnd: describeEnd(recordedAs) };
  }

  /** How a recording of it ends: as the guest did, or by what stopped it. */
  endBy(cause: StopCause): RecordingEnd {
    const icount = this.end;
    return this.powerOff === undefined
      ? { ...cause, icount }
      : { kind: 'power-off', icount, code: this.powerOff.code };
  }
}
