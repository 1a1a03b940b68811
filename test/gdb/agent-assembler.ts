/** Agent expressions from text, written from the GDB manual's table and not from the stub's own. */

const OPCODES: Readonly<Record<string, readonly [opcode: number, operand?: 1 | 2 | 4 | 8]>> = {
  float: [0x01],
  add: [0x02],
  sub: [0x03],
  mul: [0x04],
  div_signed: [0x05],
  div_unsigned: [0x06],
  rem_signed: [0x07],
  rem_unsigned: [0x08],
  lsh: [0x09],
  rsh_signed: [0x0a],
  rsh_unsigned: [0x0b],
  trace: [0x0c],
  trace_quick: [0x0d, 1],
  log_not: [0x0e],
  bit_and: [0x0f],
  bit_or: [0x10],
  bit_xor: [0x11],
  bit_not: [0x12],
  equal: [0x13],
  less_signed: [0x14],
  less_unsigned: [0x15],
  ext: [0x16, 1],
  ref8: [0x17],
  ref16: [0x18],
  ref32: [0x19],
  ref64: [0x1a],
  ref_float: [0x1b],
  if_goto: [0x20, 2],
  goto: [0x21, 2],
  const8: [0x22, 1],
  const16: [0x23, 2],
  const32: [0x24, 4],
  const64: [0x25, 8],
  reg: [0x26, 2],
  end: [0x27],
  dup: [0x28],
  pop: [0x29],
  zero_ext: [0x2a, 1],
  swap: [0x2b],
  getv: [0x2c, 2],
  setv: [0x2d, 2],
  tracev: [0x2e, 2],
  tracenz: [0x2f],
  trace16: [0x30, 2],
  pick: [0x32, 1],
  rot: [0x33],
};

/** `const8 5; reg 10; add; end`; jumps name a label: `goto done; done: end`. */
export function assemble(source: string): Uint8Array {
  const labels = new Map<string, number>();
  const holes: [at: number, label: string][] = [];
  const bytes: number[] = [];
  for (const statement of source.split(';')) {
    let rest = statement.trim();
    const label = /^(\w+):\s*/.exec(rest);
    if (label !== null) {
      labels.set(label[1]!, bytes.length);
      rest = rest.slice(label[0].length);
    }
    if (rest === '') continue;
    const [name, operand] = rest.split(/\s+/);
    const [opcode, size] = OPCODES[name!]!;
    bytes.push(opcode);
    if (size === undefined) continue;
    if (name === 'goto' || name === 'if_goto') holes.push([bytes.length, operand!]);
    const value = /^-?\d|^0x/.test(operand!) ? BigInt.asUintN(8 * size, BigInt(operand!)) : 0n;
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8)
      bytes.push(Number((value >> BigInt(shift)) & 0xffn));
  }
  for (const [at, label] of holes) {
    const place = labels.get(label) ?? Number(label);
    bytes[at] = place >> 8;
    bytes[at + 1] = place & 0xff;
  }
  return Uint8Array.from(bytes);
}

/** `printf` with its format, as GDB sends it: the values, then channel and function are on the stack. */
export function printf(count: number, format: string): Uint8Array {
  const text = new TextEncoder().encode(`${format}\0`);
  return Uint8Array.from([0x34, count, text.length >> 8, text.length & 0xff, ...text]);
}

export const packetHex = (bytes: Uint8Array) =>
  `X${bytes.length.toString(16)},${Buffer.from(bytes).toString('hex')}`;
