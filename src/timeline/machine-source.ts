import type { BuildMachine } from '../boards/build-machine.js';
import type { ElfSymbol } from '../images/symbols.js';
import type { Recording, RecordingHeader } from '../replay/recording.js';

/** What a machine is built from, and put into to begin with: live, or a recording's. */
export interface MachineSource extends Pick<RecordingHeader, 'config' | 'images' | 'writtenBy' | 'start'> {
  readonly recording?: Recording;
  /** Makes the machine; absent: of the board that the configuration names. */
  readonly build?: BuildMachine;
  /** The firmware's symbols, where they are known. */
  readonly symbols?: readonly ElfSymbol[];
}
