/** How a recording reads to a user. */

import { hex, plural, sizeText } from '../ports/amounts.js';
import type { MachineConfig } from '../ports/config.js';
import { SECTOR_BYTES, SETTING_NAMES, settingOf } from '../ports/settings.js';
import { describeEnd } from '../replay/end-kinds.js';
import { EventTally } from '../replay/event-tally.js';
import { OPTIONAL_CHUNKS } from '../replay/format.js';
import { imageLength } from '../replay/recorded-image.js';
import {
  type RecordedExtra,
  type Recording,
  type RecordingHeader,
  startIcount,
} from '../replay/recording.js';

/** The moment at which a recording starts, unless it starts with the machine. */
export function describeStart({ start }: Pick<RecordingHeader, 'start'>): string | undefined {
  if (start === undefined) return undefined;
  return `${start.snapshot === undefined ? '' : `snapshot ${start.snapshot}, `}icount ${start.icount}`;
}

/** How many steps, and from where on if not from the beginning of a machine. */
export function describeRange({ header, end }: Recording): string {
  const from = describeStart(header);
  return `${plural(end.icount - startIcount(header), 'step')}${from === undefined ? '' : ` from ${from}`}`;
}

/** Name and value, in columns. */
export function describeRecording({
  header,
  events,
  checkpoints,
  end,
  extras = [],
  file,
  tally = EventTally.of(header, events),
}: Recording): string[] {
  const { config } = header;
  const rows: (readonly [string, string])[] = [
    ...(file === undefined
      ? []
      : [['file', `format version ${file.version}, ${sizeText(file.bytes)}`] as const]),
    ['written by', header.writtenBy],
    ...describeSettings(config),
  ];
  for (const [disk, sectors] of config.disks.entries()) {
    const parts = header.images.filter(image => image.disk === disk);
    const held = parts.reduce((sum, image) => sum + imageLength(image), 0);
    rows.push([
      'disk',
      `${parts[0]?.name ?? 'empty'}, ${sizeText(sectors * SECTOR_BYTES)}, of which ${sizeText(held)} are inside`,
    ]);
  }
  for (const image of header.images) {
    const { name, address, disk } = image;
    if (disk !== undefined) continue;
    rows.push(['image', `${name} at ${hex(address)}, ${sizeText(imageLength(image))}`]);
  }
  const { start } = header;
  if (start !== undefined) {
    const seconds = (start.virtualNs / 1e9).toFixed(9);
    const pages = plural(start.pages.length, 'changed page');
    rows.push(['start', `${describeStart(header)}, at ${seconds} s of virtual time; ${pages} inside`]);
  }
  const steps = plural(end.icount - startIcount(header), 'step');
  const seconds = (tally.leastNs(end.icount) / 1e9).toFixed(9);
  rows.push(['length', `${steps}, at least ${seconds} s of virtual time`]);
  rows.push(['events', describeCounts(tally)]);
  const last = checkpoints.at(-1);
  rows.push(['checkpoints', last ? `${checkpoints.length}, the last at icount ${last.icount}` : 'none']);
  if (extras.length > 0) rows.push(['extras', extras.map(describeExtra).join(', ')]);
  rows.push(['end', describeEnd(end)]);
  return rows.map(([name, value]) => `${name.padEnd(12)}${value}`);
}

function describeExtra({ type, content }: RecordedExtra): string {
  const [name] = Object.entries(OPTIONAL_CHUNKS).find(([, number]) => number === type) ?? [`type ${type}`];
  return `${name}, ${sizeText(content.length)}`;
}

/** Line by line: what settings on it say, in their order. */
function describeSettings(config: MachineConfig): (readonly [string, string])[] {
  const lines = new Map<string, string>();
  for (const name of SETTING_NAMES) {
    const { shown } = settingOf(name);
    const value = config[name];
    const text = value === undefined ? undefined : shown?.text(value, { ...config });
    if (shown === undefined || text === undefined) continue;
    const before = lines.get(shown.line);
    lines.set(shown.line, before === undefined ? text : `${before}, ${text}`);
  }
  return [...lines];
}

function describeCounts({ counts }: EventTally): string {
  if (counts.size === 0) return 'none';
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}
