/** Zkne and Zknd: AES, scalar cryptography specification 1.0.1, chapter 3. */
import {
  and,
  binary,
  bind,
  choose,
  compare,
  constant,
  type Expression,
  immediate,
  low,
  or,
  signExtend,
  tableByte,
  xor,
  zeroExtend,
} from '../../engine/expressions.js';
import { semantics, set } from '../../engine/semantics.js';
import { orAll, rotr, shl, shr, xorAll } from './bit-patterns.js';
import { CSR_TABLE_BYTES } from './csr-instructions.js';
import type { RiscvInstruction } from './encoding.js';
import { encodeAes32, encodeAesRound, encodeR, encodeUnary, extension, OPCODE } from './encoding.js';
import { setRd } from './forms.js';
import { rs1, rs2, X } from './operands.js';

const zkne = extension('zkne');
const zknd = extension('zknd');
const keys = extension('zkne', 'zknd');

// What is looked up in memory: the substitution box, its inverse, and the round constants.
const FORWARD = CSR_TABLE_BYTES;
const INVERSE = FORWARD + 256;
const ROUNDS = INVERSE + 256;
export const AES_TABLE_BYTES = 256 + 256 + 16;
/** The last round of a key schedule has no constant and does not rotate. */
const LAST_ROUND = 10;

/** Times x in GF(2^8) of AES. */
const doubled = (byte: number): number => ((byte << 1) ^ (byte >= 0x80 ? 0x11b : 0)) & 0xff;

/** FIPS 197, section 5.1.1: the inverse in GF(2^8), then an affine map. */
function substitutionBox(): Uint8Array {
  const [powers, logarithms] = [new Uint8Array(256), new Uint8Array(256)];
  // 3 generates the field's multiplicative group.
  for (let power = 0, value = 1; power < 255; power++, value ^= doubled(value)) {
    powers[power] = value;
    logarithms[value] = power;
  }
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const inverse = byte === 0 ? 0 : powers[(255 - logarithms[byte]) % 255];
    const rotated = [0, 1, 2, 3, 4].map(places => (inverse << places) | (inverse >> (8 - places)));
    return rotated.reduce((sum, one) => sum ^ one, 0x63) & 0xff;
  });
}

export function writeAesTable(memory: ArrayBufferLike, address: number): void {
  const bytes = new Uint8Array(memory, address + FORWARD, AES_TABLE_BYTES);
  const box = substitutionBox();
  box.forEach((value, byte) => {
    bytes[byte] = value;
    bytes[INVERSE - FORWARD + value] = byte;
  });
  for (let round = 0, value = 1; round < LAST_ROUND; round++, value = doubled(value)) {
    bytes[ROUNDS - FORWARD + round] = value;
  }
}

const w = (value: number) => constant(value | 0, 'w');
const byteOf = (value: Expression, byte: number) =>
  and(low(shr(value, constant(8 * byte, value.type))), w(0xff));
const placed = (byte: Expression, place: number) => shl(byte, w(8 * place));

/** Each byte of a column times x. */
const doubledColumn = (column: Expression) =>
  xor(shl(and(column, w(0x7f7f7f7f)), w(1)), binary('mul', and(shr(column, w(7)), w(0x01010101)), w(0x1b)));
const mixed = (column: Expression) =>
  bind(column, c => bind(doubledColumn(c), c2 => xorAll(c2, rotr(xor(c, c2), 8), rotr(c, 16), rotr(c, 24))));
const unmixed = (column: Expression) =>
  bind(column, c =>
    bind(doubledColumn(c), c2 =>
      bind(doubledColumn(c2), c4 =>
        bind(doubledColumn(c4), c8 =>
          xorAll(
            xorAll(c2, c4, c8),
            rotr(xorAll(c, c2, c8), 8),
            rotr(xorAll(c, c4, c8), 16),
            rotr(xor(c, c8), 24),
          ),
        ),
      ),
    ),
  );

const same = (column: Expression) => column;
type OfColumn = (column: Expression) => Expression;

/** Bytes of the two columns of a result: of which source, and which byte of it (FIPS 197, 5.1.2 and 5.3.1). */
type Rows = readonly (readonly [source: Expression, byte: number])[];
const SHIFTED: readonly [Rows, Rows] = [
  [
    [rs1, 0],
    [rs1, 5],
    [rs2, 2],
    [rs2, 7],
  ],
  [
    [rs1, 4],
    [rs2, 1],
    [rs2, 6],
    [rs1, 3],
  ],
];
const UNSHIFTED: readonly [Rows, Rows] = [
  [
    [rs1, 0],
    [rs2, 5],
    [rs2, 2],
    [rs1, 7],
  ],
  [
    [rs1, 4],
    [rs1, 1],
    [rs2, 6],
    [rs2, 3],
  ],
];

const substituted = (box: number, rows: Rows) => {
  const [a, b, c, d] = rows.map(([source, byte], place) =>
    placed(tableByte(box, byteOf(source, byte)), place),
  );
  return orAll(a, b, c, d);
};
const wide = (lower: Expression, upper: Expression) =>
  or(zeroExtend(lower), shl(zeroExtend(upper), constant(32)));
const half = (value: Expression, upper: boolean) => low(upper ? shr(value, constant(32)) : value);

const round64 = (box: number, [first, second]: readonly [Rows, Rows], finish: OfColumn) =>
  setRd(wide(finish(substituted(box, first)), finish(substituted(box, second))));

/** One byte of the second source, substituted and put into the first. */
const round32 = (box: number, finish: OfColumn) => {
  const places = shl(low(immediate), w(3));
  const byte = tableByte(box, and(binary('shr_u', low(rs2), places), w(0xff)));
  return setRd(signExtend(xor(low(rs1), binary('rotl', finish(byte), places))));
};

/** A round of the key schedule: of the last word, substituted, and unless it is the last rotated, in both halves. */
const keyRound = () => {
  const upper = half(rs1, true);
  const isLast = compare('eq', low(immediate), w(LAST_ROUND));
  const turned = bind(upper, word => choose(isLast, word, rotr(word, 8)));
  const word = bind(turned, value => {
    const [a, b, c, d] = [0, 1, 2, 3].map(byte => placed(tableByte(FORWARD, byteOf(value, byte)), byte));
    return xor(orAll(a, b, c, d), tableByte(ROUNDS, low(immediate)));
  });
  // Rounds beyond the last are reserved.
  return semantics(
    { kind: 'require', condition: compare('lt_u', low(immediate), w(LAST_ROUND + 1)) },
    set(
      X,
      bind(word, value => wide(value, value)),
    ),
  );
};

const r64 = (funct7: number) => encodeR(funct7, 0, OPCODE.op);

export const aes = (): readonly RiscvInstruction[] => [
  zkne('aes64es', r64(0x19), round64(FORWARD, SHIFTED, same), 64),
  zkne('aes64esm', r64(0x1b), round64(FORWARD, SHIFTED, mixed), 64),
  zknd('aes64ds', r64(0x1d), round64(INVERSE, UNSHIFTED, same), 64),
  zknd('aes64dsm', r64(0x1f), round64(INVERSE, UNSHIFTED, unmixed), 64),
  zknd(
    'aes64im',
    encodeUnary(0x300, 1, OPCODE.opImm),
    setRd(wide(unmixed(half(rs1, false)), unmixed(half(rs1, true)))),
    64,
  ),
  keys('aes64ks1i', encodeAesRound(0x31, 1, OPCODE.opImm), keyRound(), 64),
  keys(
    'aes64ks2',
    r64(0x3f),
    setRd(bind(xor(half(rs1, true), half(rs2, false)), lower => wide(lower, xor(lower, half(rs2, true))))),
    64,
  ),
  zkne('aes32esi', encodeAes32(0x11), round32(FORWARD, same), 32),
  zkne('aes32esmi', encodeAes32(0x13), round32(FORWARD, mixed), 32),
  zknd('aes32dsi', encodeAes32(0x15), round32(INVERSE, same), 32),
  zknd('aes32dsmi', encodeAes32(0x17), round32(INVERSE, unmixed), 32),
];
