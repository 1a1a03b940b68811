/** Zicsr (unprivileged spec chapter 9) and the privileged instructions (privileged spec 3.3 and 4.2). */

import type { BitCsr } from '../csr-bits.js';
import { csr } from './csr-instructions.js';
import type { RiscvInstruction } from './encoding.js';
import { encodeBlock, encodeCsr, encodeFence, encodeWord, extension } from './encoding.js';
import { system } from './forms.js';

const i = extension('i');
const zicsr = extension('zicsr');
const supervisor = extension('s');
const svinval = extension('svinval');
const zawrs = extension('zawrs');
const zicbom = extension('zicbom');
const zicboz = extension('zicboz');

export const csrInstructions = (plain: ReadonlyMap<number, BitCsr>): readonly RiscvInstruction[] => [
  zicsr('csrrw', encodeCsr(1), csr(plain, 'write', 'register')),
  zicsr('csrrs', encodeCsr(2), csr(plain, 'set', 'register')),
  zicsr('csrrc', encodeCsr(3), csr(plain, 'clear', 'register')),
  zicsr('csrrwi', encodeCsr(5), csr(plain, 'write', 'immediate')),
  zicsr('csrrsi', encodeCsr(6), csr(plain, 'set', 'immediate')),
  zicsr('csrrci', encodeCsr(7), csr(plain, 'clear', 'immediate')),
];

export const PRIVILEGED: readonly RiscvInstruction[] = [
  i('ecall', encodeWord(0x00000073), system('ecall')),
  i('ebreak', encodeWord(0x00100073), system('ebreak')),
  i('mret', encodeWord(0x30200073), system('mret')),
  i('wfi', encodeWord(0x10500073), system('wfi')),
  supervisor('sret', encodeWord(0x10200073), system('sret')),
  supervisor('sfence.vma', encodeFence(0b0001001), system('sfence.vma')),
  svinval('sinval.vma', encodeFence(0b0001011), system('sfence.vma')),
  svinval('sfence.w.inval', encodeWord(0x18000073), system('sfence.inval')),
  svinval('sfence.inval.ir', encodeWord(0x18100073), system('sfence.inval')),
];

/** Zawrs and the cache-block operations of Zicbom and Zicboz, each 1.0. */
export const WAITING_AND_BLOCKS: readonly RiscvInstruction[] = [
  zawrs('wrs.nto', encodeWord(0x00d00073), system('wrs.nto')),
  zawrs('wrs.sto', encodeWord(0x01d00073), system('wrs.sto')),
  zicbom('cbo.inval', encodeBlock(0), system('cbo.inval')),
  zicbom('cbo.clean', encodeBlock(1), system('cbo.clean')),
  zicbom('cbo.flush', encodeBlock(2), system('cbo.flush')),
  zicboz('cbo.zero', encodeBlock(4), system('cbo.zero')),
];
