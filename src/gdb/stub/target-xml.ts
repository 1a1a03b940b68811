/** Documents GDB fetches with `qXfer` (GDB manual, appendices F.2 "Target Description Format", E.16, E.17). */

import type {
  HartStatus,
  MemoryRegion,
  RegisterDescription,
  TargetDescription,
} from '../../timeline/debug-target.js';

/** `<osabi>none</osabi>`: a GDB built for GNU/Linux would otherwise never step with `vCont;s`. */
export function targetXml(description: TargetDescription): string {
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    `  <architecture>${escapeXml(description.architecture)}</architecture>`,
    '  <osabi>none</osabi>',
    ...description.features.flatMap(({ name, registers }) => [
      `  <feature name="${escapeXml(name)}">`,
      ...registers.map(registerXml),
      '  </feature>',
    ]),
    '</target>',
    '',
  ].join('\n');
}

/** LLDB has no knowledge of its own of a target's registers and takes their roles from here; GDB ignores them. */
function registerXml(register: RegisterDescription): string {
  const { name, number, bits, type, group, role, dwarf, outlivesCalls } = register;
  const generic = role === undefined ? '' : ` generic="${escapeXml(role)}"`;
  const numbers = dwarf === undefined ? '' : ` ehframe_regnum="${dwarf}" dwarf_regnum="${dwarf}"`;
  const save = outlivesCalls === true ? ' save-restore="no"' : '';
  return (
    `    <reg name="${escapeXml(name)}" bitsize="${bits}" regnum="${number}" type="${escapeXml(type)}"` +
    ` group="${escapeXml(group)}"${save}${generic}${numbers}/>`
  );
}

const ADDRESS_SPACE_END = 1n << 64n;

/**
 * Everything is `ram`, gaps included: GDB applies the map to virtual addresses too, where what is a gap or
 * a ROM in physical memory may be anything. The target itself refuses what it must.
 */
export function memoryMapXml(regions: readonly MemoryRegion[]): string {
  const rows: string[] = [];
  const add = (start: bigint, end: bigint) => {
    if (end > start) {
      rows.push(
        `  <memory type="ram" start="0x${start.toString(16)}" length="0x${(end - start).toString(16)}"/>`,
      );
    }
  };
  let covered = 0n;
  for (const { start, length } of [...regions].sort((a, b) => (a.start < b.start ? -1 : 1))) {
    const from = start > covered ? start : covered;
    add(covered, from);
    add(from, start + length);
    if (start + length > covered) covered = start + length;
  }
  // A length of 2^64 does not fit GDB's numbers.
  const middle = covered === 0n ? ADDRESS_SPACE_END / 2n : covered;
  add(covered, middle);
  add(middle, ADDRESS_SPACE_END);
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">',
    '<memory-map>',
    ...rows,
    '</memory-map>',
    '',
  ].join('\n');
}

export function threadsXml(harts: readonly HartStatus[]): string {
  return [
    '<?xml version="1.0"?>',
    '<threads>',
    ...harts.map(
      ({ hart, text }) =>
        `  <thread id="${(hart + 1).toString(16)}" core="${hart}">${escapeXml(text)}</thread>`,
    ),
    '</threads>',
    '',
  ].join('\n');
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
