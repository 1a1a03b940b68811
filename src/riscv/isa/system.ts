/** Zicsr (unprivileged spec chapter 9) and the privileged instructions (privileged spec 3.3 and 4.2). */
import type { Instruction } from '../../engine/instruction-set.js';
import { csr, system } from '../../engine/semantics.js';
import { encodeCsr, encodeFence, encodeWord, extension } from './encoding.js';

const i = extension('i');
const zicsr = extension('zicsr');
const supervisor = extension('s');

export const SYSTEM: readonly Instruction[] = [
  zicsr('csrrw', encodeCsr(1), csr('write', 'register')),
  zicsr('csrrs', encodeCsr(2), csr('set', 'register')),
  zicsr('csrrc', encodeCsr(3), csr('clear', 'register')),
  zicsr('csrrwi', encodeCsr(5), csr('write', 'immediate')),
  zicsr('csrrsi', encodeCsr(6), csr('set', 'immediate')),
  zicsr('csrrci', encodeCsr(7), csr('clear', 'immediate')),
  i('ecall', encodeWord(0x00000073), system('ecall')),
  i('ebreak', encodeWord(0x00100073), system('ebreak')),
  i('mret', encodeWord(0x30200073), system('mret')),
  i('wfi', encodeWord(0x10500073), system('wfi')),
  supervisor('sret', encodeWord(0x10200073), system('sret')),
  supervisor('sfence.vma', encodeFence(0b0001001), system('sfence.vma')),
];
