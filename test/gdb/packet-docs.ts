import { PACKETS } from '../../src/gdb/rsp/packets.js';

/** docs/rsp-packets.md, made of the packet table. */
export function packetDocumentation(): string {
  const rows = PACKETS.map(({ prefix, usage, features, summary }) => {
    const packet = code(`${prefix}${usage}`);
    return `| ${packet} | ${cell(summary)} | ${features.map(code).join(' ')} |`;
  });
  return [
    '# Packets of the GDB remote protocol that backstub answers',
    '',
    'Made from `src/gdb/rsp/packets.ts`; any other packet gets the empty answer. Watchpoints report before the',
    'access forwards and before it is undone backwards. The byte 0x03 interrupts a resume in either direction.',
    '',
    '| packet | meaning | announced as |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
