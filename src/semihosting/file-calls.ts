/** Calls that name files, and calls with a handle: for the console's and the features' the host is not asked. */
import type { Word64 } from '../machine/semihosting-caller.js';
import {
  ERRNO,
  LONGEST_FILE_NAME,
  MOST_TRANSFERRED,
  MOST_WRITTEN,
  OPEN_MODES,
  openMode,
  type SemihostingRequest,
} from '../ports/semihosting-host.js';
import type { Call, Outcome, SemihostingCall } from './call.js';
import { print, takeTyped } from './console-calls.js';

const CONSOLE_NAME = ':tt';
const FEATURES_NAME = ':semihosting-features';
/** "SHFB", then a bit for each extension: SYS_EXIT_EXTENDED, and stdout and stderr apart. */
const FEATURES = Uint8Array.of(0x53, 0x48, 0x46, 0x42, 0x03);
const LAST_POSITION = Number.MAX_SAFE_INTEGER - MOST_WRITTEN;

/** A name by its address and length: the bytes, or an errno. */
function nameOf(call: Call, address: number, length: number): Uint8Array | number {
  if (call.number(length) > LONGEST_FILE_NAME) return ERRNO.nameTooLong;
  const name = call.memory.text(call.word(address), call.number(length));
  if (name === undefined) return ERRNO.badAddress;
  return name.length === 0 ? ERRNO.noEntry : name;
}

/** The host is asked if it has files for the guest, and what names them is right. */
function askOfNames(call: Call, ...names: readonly (Uint8Array | number)[]): Outcome {
  const wrong = names.find(name => typeof name === 'number');
  if (wrong !== undefined) return call.fail(wrong);
  return call.ports.files ? 'host' : call.fail(ERRNO.accessDenied);
}

const asText = (name: Uint8Array): string => String.fromCharCode(...name);

function open(call: Call): Outcome {
  const mode = call.number(1);
  if (mode >= OPEN_MODES) return call.fail(ERRNO.invalid);
  const name = nameOf(call, 0, 2);
  if (typeof name === 'number') return call.fail(name);
  const text = asText(name);
  if (text === FEATURES_NAME && mode > 1) return call.fail(ERRNO.accessDenied);
  if (call.handles.next < 0) return call.fail(ERRNO.tooManyFiles);
  if (text === CONSOLE_NAME) return call.handles.open('console', mode, name);
  if (text === FEATURES_NAME) return call.handles.open('features', mode, name);
  return askOfNames(call, name);
}

/** A name that the host was asked about is still there; other harts or a debugger may have spoilt it. */
function request(
  make: (call: Call) => SemihostingRequest | number | undefined,
): (call: Call) => SemihostingRequest | undefined {
  return call => {
    const made = make(call);
    return typeof made === 'number' ? undefined : made;
  };
}

const requestOpen = request(call => {
  const name = nameOf(call, 0, 2);
  const handle = call.handles.next;
  if (typeof name === 'number' || handle < 0 || call.number(1) >= OPEN_MODES) return undefined;
  return { kind: 'open', file: { handle, name, mode: call.number(1) } };
});

function openAnswered(call: Call): number {
  const asked = requestOpen(call);
  if (asked?.kind !== 'open') return -1;
  return call.handles.open('file', asked.file.mode, asked.file.name);
}

/** A request about the file of the handle in the first field. */
const about = (kind: 'close' | 'length') =>
  request(call => {
    const handle = call.number(0);
    return call.handles.kindOf(handle) === 'file' ? { kind, file: call.handles.fileOf(handle) } : undefined;
  });

function close(call: Call): Outcome {
  const handle = call.number(0);
  const kind = call.handles.kindOf(handle);
  if (kind === undefined) return call.fail(ERRNO.badHandle);
  if (kind === 'file') return 'host';
  call.handles.close(handle);
  return 0;
}

/** SYS_READ and SYS_WRITE tell how much they have not done: an error is that nothing was. */
const allLeft = (call: Call): Word64 => call.word(2);
const transferred = (call: Call): number => Math.min(call.number(2), MOST_TRANSFERRED);

/** What these calls have in common: a handle that can do it, and bytes to transfer. */
function transfer(
  call: Call,
  direction: 'reads' | 'writes',
  toDo: (kind: 'console' | 'features' | 'file', handle: number) => Outcome,
): Outcome {
  const handle = call.number(0);
  const kind = call.handles.kindOf(handle);
  if (kind === undefined || !openMode(call.handles.modeOf(handle))[direction])
    return call.fail(ERRNO.badHandle, allLeft(call));
  const length = call.number(2);
  if (length === 0) return 0;
  return Number.isFinite(length) ? toDo(kind, handle) : call.fault(allLeft(call));
}

/** Bytes have come for the guest's buffer; the result of the call. */
function filled(call: Call, bytes: Uint8Array): Outcome {
  if (!call.memory.write(call.word(1), bytes)) return call.fault(allLeft(call));
  return call.number(2) - bytes.length;
}

const read = (call: Call): Outcome =>
  transfer(call, 'reads', (kind, handle) => {
    if (kind === 'file') return 'host';
    if (kind === 'console') {
      const typed = takeTyped(call, transferred(call));
      return typed === 'input' ? typed : filled(call, typed);
    }
    const position = call.handles.positionOf(handle);
    const bytes = FEATURES.subarray(position, position + transferred(call));
    call.handles.seek(handle, position + bytes.length);
    return filled(call, bytes);
  });

const write = (call: Call): Outcome =>
  transfer(call, 'writes', kind => {
    if (kind === 'features') return call.fail(ERRNO.badHandle, allLeft(call));
    const length = transferred(call);
    if (kind === 'file') {
      if (!(Math.max(0, call.state.written) + length <= MOST_WRITTEN))
        return call.fail(ERRNO.noSpace, allLeft(call));
      if (behind(call, length) > LAST_POSITION) return call.fail(ERRNO.tooLarge, allLeft(call));
    }
    const bytes = call.memory.read(call.word(1), length);
    if (bytes === undefined) return call.fault(allLeft(call));
    if (kind === 'file') return 'host';
    print(call, bytes);
    return call.number(2) - length;
  });

/** Where a file stands behind what is written: of one that is appended to, at its end, wherever that is. */
function behind(call: Call, written: number): number {
  const handle = call.number(0);
  const { appends } = openMode(call.handles.modeOf(handle));
  return appends ? LAST_POSITION : call.handles.positionOf(handle) + written;
}

/** Of a file that is read from or written to. */
const position = (call: Call) => {
  const handle = call.number(0);
  if (call.handles.kindOf(handle) !== 'file') return undefined;
  return { file: call.handles.fileOf(handle), position: call.handles.positionOf(handle) };
};

function seek(call: Call): Outcome {
  const handle = call.number(0);
  const to = call.number(1);
  const kind = call.handles.kindOf(handle);
  if (kind === undefined) return call.fail(ERRNO.badHandle);
  if (kind === 'console') return call.fail(ERRNO.cannotSeek);
  if (to > LAST_POSITION) return call.fail(ERRNO.invalid);
  call.handles.seek(handle, to);
  return 0;
}

function lengthOf(call: Call): Outcome {
  switch (call.handles.kindOf(call.number(0))) {
    case undefined:
      return call.fail(ERRNO.badHandle);
    case 'console':
      return 0;
    case 'features':
      return FEATURES.length;
    case 'file':
      return 'host';
  }
}

function isTty(call: Call): Outcome {
  const kind = call.handles.kindOf(call.number(0));
  if (kind === undefined) return call.fail(ERRNO.badHandle);
  return kind === 'console' ? 1 : 0;
}

/** The same name for the same number: in the guest's folder, where it has one. */
function temporaryName(call: Call): Outcome {
  if (!call.ports.files) return call.fail(ERRNO.accessDenied);
  const digits = (call.word(1).low & 0xff).toString(16).padStart(2, '0');
  const name = new TextEncoder().encode(`backstub-${digits}.tmp\0`);
  if (name.length > call.number(2)) return call.fail(ERRNO.invalid);
  return call.memory.write(call.word(0), name) ? 0 : call.fault();
}

export const FILE_CALLS: readonly SemihostingCall[] = [
  {
    number: 0x01,
    name: 'SYS_OPEN',
    takes: 'block: name, mode 0 to 11 (r, rb, r+, ... a+b), length of the name',
    gives: 'a handle, or -1; `:tt` is the console, `:semihosting-features` what extensions there are',
    fields: 3,
    run: open,
    request: requestOpen,
    answered: openAnswered,
  },
  {
    number: 0x02,
    name: 'SYS_CLOSE',
    takes: 'block: handle',
    gives: '0, or -1',
    fields: 1,
    run: close,
    request: about('close'),
    answered(call) {
      call.handles.close(call.number(0));
      return 0;
    },
  },
  {
    number: 0x05,
    name: 'SYS_WRITE',
    takes: 'block: handle, buffer, length',
    gives: 'how many bytes were not written',
    fields: 3,
    run: write,
    request: request(call => {
      const bytes = call.memory.read(call.word(1), transferred(call));
      const where = position(call);
      return where && bytes && { kind: 'write', ...where, bytes };
    }),
    answered(call, { value }) {
      const written = Math.min(value, transferred(call));
      call.handles.seek(call.number(0), behind(call, written));
      call.state.written += written;
      return call.number(2) - written;
    },
    failed: allLeft,
  },
  {
    number: 0x06,
    name: 'SYS_READ',
    takes: 'block: handle, buffer, length',
    gives: 'how many bytes of the buffer were not filled; on the console, waits for at least one',
    fields: 3,
    run: read,
    request: request(call => {
      const where = position(call);
      return where && { kind: 'read', ...where, length: transferred(call) };
    }),
    answered(call, { bytes }) {
      const handle = call.number(0);
      const got = bytes.subarray(0, transferred(call));
      const left = filled(call, got);
      if (typeof left !== 'number') return left;
      call.handles.seek(handle, call.handles.positionOf(handle) + got.length);
      return left;
    },
    failed: allLeft,
  },
  {
    number: 0x09,
    name: 'SYS_ISTTY',
    takes: 'block: handle',
    gives: '1 for the console, 0 for a file, -1 for no handle',
    fields: 1,
    run: isTty,
  },
  {
    number: 0x0a,
    name: 'SYS_SEEK',
    takes: 'block: handle, position',
    gives: '0, or -1',
    fields: 2,
    run: seek,
  },
  {
    number: 0x0c,
    name: 'SYS_FLEN',
    takes: 'block: handle',
    gives: 'length in bytes, or -1',
    fields: 1,
    run: lengthOf,
    request: about('length'),
    answered: (_, { value }) => value,
  },
  {
    number: 0x0d,
    name: 'SYS_TMPNAM',
    takes: 'block: buffer, number 0 to 255, length of the buffer',
    gives: '0 and a name in the folder, the same for the same number; or -1',
    fields: 3,
    run: temporaryName,
  },
  {
    number: 0x0e,
    name: 'SYS_REMOVE',
    takes: 'block: name, its length',
    gives: '0, or -1',
    fields: 2,
    run: call => askOfNames(call, nameOf(call, 0, 1)),
    request: request(call => {
      const name = nameOf(call, 0, 1);
      return typeof name === 'number' ? name : { kind: 'remove', name };
    }),
    answered: () => 0,
  },
  {
    number: 0x0f,
    name: 'SYS_RENAME',
    takes: 'block: old name, its length, new name, its length',
    gives: '0, or -1',
    fields: 4,
    run: call => askOfNames(call, nameOf(call, 0, 1), nameOf(call, 2, 3)),
    request: request(call => {
      const [name, to] = [nameOf(call, 0, 1), nameOf(call, 2, 3)];
      if (typeof name === 'number' || typeof to === 'number') return undefined;
      return { kind: 'rename', name, to };
    }),
    answered: () => 0,
  },
];
