const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
  ENXIO: 'nothing is behind it',
  EIO: 'input/output error',
  EAGAIN: 'it is busy',
  EEXIST: 'there is one of that name already',
  ENOTDIR: 'a part of the path is not a folder',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'the file would be larger than allowed',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'the address does not belong to this computer',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed by the other side',
  EPIPE: 'the other side is closed',
  ENOTFOUND: 'no such host',
  ETIMEDOUT: 'no answer',
};

/** What the operating system said, in words for a one-line message. */
export function systemErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return (code !== undefined && TEXTS[code]) || error.message;
}
