import type { ElfMachine } from '../images/elf.js';

/** Of programs for RISC-V (psABI, ELF header). */
export const RISCV_ELF: ElfMachine = { number: 243, name: 'RISC-V' };
