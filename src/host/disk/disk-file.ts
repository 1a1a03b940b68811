import type { DiskContents } from '../../ports/config.js';
import { InputError } from '../../state/input-error.js';
import type { HostFiles } from '../files/host-files.js';
import type { InputFile } from '../files/input-file.js';
import { ExtentList } from './extent-list.js';
import { isQcow2, readQcow2 } from './qcow2.js';

export type DiskFormat = 'raw' | 'qcow2';

const SECTOR_BYTES = 512;
const LARGEST_DISK_BYTES = 64 * 2 ** 30;
const RAW_PIECE_BYTES = 2 ** 20;
const WASM_PAGE_BYTES = 2 ** 16;

/**
 * Reads all that a disk image holds; the file is never written. Without a format, files with qcow2's signature are
 * qcow2. `name` is for messages and recordings. Throws InputError for a file that cannot be used.
 */
export function readDiskImage(
  files: HostFiles,
  path: string,
  name: string,
  format?: DiskFormat,
): DiskContents {
  const file = files.openInput(path, 'disk');
  try {
    const qcow2 = format === undefined ? isQcow2(file) : format === 'qcow2';
    const { bytes, extents } = qcow2 ? readQcow2(file) : readRaw(file);
    if (bytes === 0) throw new InputError(`cannot use disk ${path}: it has no sectors`);
    if (bytes > LARGEST_DISK_BYTES) {
      throw new InputError(`cannot use disk ${path}: it is larger than ${LARGEST_DISK_BYTES / 2 ** 30} GiB`);
    }
    return { name, sectors: Math.ceil(bytes / SECTOR_BYTES), extents };
  } finally {
    file.close();
  }
}

function readRaw(file: InputFile): { bytes: number; extents: DiskContents['extents'] } {
  const extents = new ExtentList(file.path);
  if (file.bytes > LARGEST_DISK_BYTES) return { bytes: file.bytes, extents: [] };
  // A WebAssembly memory begins at a page, as unbuffered reads ask for.
  const pages = RAW_PIECE_BYTES / WASM_PAGE_BYTES;
  const piece = new Uint8Array(
    new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer,
  );
  const zeros = new Uint8Array(RAW_PIECE_BYTES);
  // Node cannot ask where holes are. Read past the system's cache they cost a tenth: the system clears our page
  // instead of a new one of its own.
  if (file.storedBytes < file.bytes / 2) file.bypassCache();
  for (let offset = 0; offset < file.bytes; offset += RAW_PIECE_BYTES) {
    const wanted = piece.subarray(0, Math.min(RAW_PIECE_BYTES, file.bytes - offset));
    const got = piece.subarray(0, file.readInto(wanted, offset));
    if (Buffer.compare(got, zeros.subarray(0, got.length)) !== 0) extents.add(offset, got.slice());
  }
  return { bytes: file.bytes, extents: extents.finish() };
}
