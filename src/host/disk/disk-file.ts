import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { DiskContents } from '../../machine/ports.js';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import { ExtentList } from './extent-list.js';
import type { ImageFile } from './image-file.js';
import { isQcow2, readQcow2 } from './qcow2.js';

export type DiskFormat = 'raw' | 'qcow2';

const SECTOR_BYTES = 512;
const LARGEST_DISK_BYTES = 64 * 2 ** 30;
const RAW_PIECE_BYTES = 2 ** 20;

/**
 * Reads all that a disk image holds; the file is never written. Without a format, files with qcow2's signature are
 * qcow2. `name` is for messages and recordings. Throws InputError for a file that cannot be used.
 */
export function readDiskImage(path: string, name: string, format?: DiskFormat): DiskContents {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw new InputError(`cannot read disk ${path}: ${systemErrorText(error)}`);
  }
  try {
    const file: ImageFile = {
      path,
      bytes: fstatSync(descriptor).size,
      read(offset, length) {
        const bytes = new Uint8Array(length);
        let done = 0;
        while (done < length) {
          const got = readSync(descriptor, bytes, done, length - done, offset + done);
          if (got === 0) break;
          done += got;
        }
        return bytes.subarray(0, done);
      },
    };
    const qcow2 = format === undefined ? isQcow2(file) : format === 'qcow2';
    const { bytes, extents } = qcow2 ? readQcow2(file) : readRaw(file);
    if (bytes === 0) throw new InputError(`cannot use disk ${path}: it has no sectors`);
    if (bytes > LARGEST_DISK_BYTES) {
      throw new InputError(`cannot use disk ${path}: it is larger than ${LARGEST_DISK_BYTES / 2 ** 30} GiB`);
    }
    return { name, sectors: Math.ceil(bytes / SECTOR_BYTES), extents };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot read disk ${path}: ${systemErrorText(error)}`);
  } finally {
    closeSync(descriptor);
  }
}

function readRaw(file: ImageFile): { bytes: number; extents: DiskContents['extents'] } {
  const extents = new ExtentList(file.path);
  if (file.bytes <= LARGEST_DISK_BYTES) {
    for (let offset = 0; offset < file.bytes; offset += RAW_PIECE_BYTES) {
      extents.add(offset, file.read(offset, Math.min(RAW_PIECE_BYTES, file.bytes - offset)));
    }
  }
  return { bytes: file.bytes, extents: extents.finish() };
}
