/** The bytecodes of agent expressions (GDB manual, appendix "The GDB Agent Expression Mechanism"). */

export const OPCODE = {
  add: 0x02,
  sub: 0x03,
  mul: 0x04,
  div_signed: 0x05,
  div_unsigned: 0x06,
  rem_signed: 0x07,
  rem_unsigned: 0x08,
  lsh: 0x09,
  rsh_signed: 0x0a,
  rsh_unsigned: 0x0b,
  trace: 0x0c,
  trace_quick: 0x0d,
  log_not: 0x0e,
  bit_and: 0x0f,
  bit_or: 0x10,
  bit_xor: 0x11,
  bit_not: 0x12,
  equal: 0x13,
  less_signed: 0x14,
  less_unsigned: 0x15,
  ext: 0x16,
  ref8: 0x17,
  ref16: 0x18,
  ref32: 0x19,
  ref64: 0x1a,
  if_goto: 0x20,
  goto: 0x21,
  const8: 0x22,
  const16: 0x23,
  const32: 0x24,
  const64: 0x25,
  reg: 0x26,
  end: 0x27,
  dup: 0x28,
  pop: 0x29,
  zero_ext: 0x2a,
  swap: 0x2b,
  tracenz: 0x2f,
  trace16: 0x30,
  pick: 0x32,
  rot: 0x33,
  printf: 0x34,
} as const;

export type OpcodeName = keyof typeof OPCODE;

export interface OpcodeShape {
  readonly name: OpcodeName;
  /** Bytes of its operand; of printf, those before the format. */
  readonly operand: number;
  readonly pops: number;
  readonly pushes: number;
}

type Row = readonly [operand: number, pops: number, pushes: number];

const BINARY: Row = [0, 2, 1];
const UNARY: Row = [0, 1, 1];

const SHAPES: Readonly<Record<OpcodeName, Row>> = {
  add: BINARY,
  sub: BINARY,
  mul: BINARY,
  div_signed: BINARY,
  div_unsigned: BINARY,
  rem_signed: BINARY,
  rem_unsigned: BINARY,
  lsh: BINARY,
  rsh_signed: BINARY,
  rsh_unsigned: BINARY,
  trace: [0, 2, 0],
  trace_quick: [1, 1, 1],
  log_not: UNARY,
  bit_and: BINARY,
  bit_or: BINARY,
  bit_xor: BINARY,
  bit_not: UNARY,
  equal: BINARY,
  less_signed: BINARY,
  less_unsigned: BINARY,
  ext: [1, 1, 1],
  ref8: UNARY,
  ref16: UNARY,
  ref32: UNARY,
  ref64: UNARY,
  if_goto: [2, 1, 0],
  goto: [2, 0, 0],
  const8: [1, 0, 1],
  const16: [2, 0, 1],
  const32: [4, 0, 1],
  const64: [8, 0, 1],
  reg: [2, 0, 1],
  end: [0, 0, 0],
  dup: [0, 1, 2],
  pop: [0, 1, 0],
  zero_ext: [1, 1, 1],
  swap: [0, 2, 2],
  tracenz: [0, 2, 0],
  trace16: [2, 1, 1],
  pick: [1, 0, 1],
  rot: [0, 3, 3],
  // And as many more as its first operand byte says.
  printf: [3, 2, 0],
};

/** By opcode; the manual's other ones (floating point, trace state variables) are not understood. */
export const OPCODE_SHAPES: ReadonlyMap<number, OpcodeShape> = new Map(
  (Object.keys(OPCODE) as OpcodeName[]).map(name => {
    const [operand, pops, pushes] = SHAPES[name];
    return [OPCODE[name], { name, operand, pops, pushes }];
  }),
);
