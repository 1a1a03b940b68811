/** The documents that a debugger reads in pieces with `qXfer` (GDB manual, E.4 "qXfer object read"). */

import type { DebugTarget } from '../../timeline/debug-target.js';
import type { Command, TransferObject } from '../rsp/command.js';
import { LARGEST_DATA, type Reply } from '../rsp/reply.js';
import { memoryMapXml, targetXml, threadsXml } from './target-xml.js';

/** The piece that is asked for; undefined when there is no such document. */
export function documentPart(
  target: DebugTarget,
  { object, annex, offset, length }: Extract<Command, { kind: 'transfer' }>,
): Reply | undefined {
  const content = documentOf(target, object, annex);
  if (content === undefined) return undefined;
  const bytes = new TextEncoder().encode(content);
  const end = Math.min(bytes.length, offset + Math.min(length, LARGEST_DATA));
  return {
    kind: 'binary',
    prefix: end < bytes.length ? 'm' : 'l',
    bytes: bytes.subarray(Math.min(offset, bytes.length), end),
  };
}

function documentOf(target: DebugTarget, object: TransferObject, annex: string): string | undefined {
  switch (object) {
    case 'features':
      return annex === 'target.xml' ? targetXml(target.description) : undefined;
    case 'memory-map':
      return annex === '' ? memoryMapXml(target.memoryMap()) : undefined;
    case 'threads':
      return annex === '' ? threadsXml(target.harts()) : undefined;
  }
}
