import { RAM_BASE } from './memory-map.js';

const MIB = 0x10_0000;
/** QEMU reserves this much for its tree when it chooses the place. */
const TREE_ROOM = MIB;
const TREE_ALIGNMENT = 2 * MIB;
/** Above it a 32-bit guest's early mapping might not reach. */
const TREE_LIMIT = 3072 * MIB;
const PAGE = 4096;

/**
 * Where the device tree goes: 2 MiB aligned, 1 MiB or more below the end of RAM or 3 GiB, as QEMU places it.
 * RAM too small for that has it in its last pages.
 */
export function treeAddress(ramBytes: number, treeBytes: number): number {
  const end = Math.min(RAM_BASE + ramBytes, TREE_LIMIT);
  const address = Math.floor((end - TREE_ROOM) / TREE_ALIGNMENT) * TREE_ALIGNMENT;
  return address > RAM_BASE ? address : Math.floor((end - treeBytes) / PAGE) * PAGE;
}

export interface BootRomOptions {
  readonly xlen: 32 | 64;
  /** Where the ROM jumps to. */
  readonly entry: number;
  readonly treeAddress: number;
  /** Where fw_dynamic firmware goes next, in S-mode; 0 when there is no next stage. */
  readonly nextAddress: number;
}

const AUIPC_T0 = 0x0000_0297;
const ADDI_A2_T0_40 = 0x0282_8613;
const CSRR_A0_MHARTID = 0xf140_2573;
const LW_A1_32_T0 = 0x0202_a583;
const LW_T0_24_T0 = 0x0182_a283;
const LD_A1_32_T0 = 0x0202_b583;
const LD_T0_24_T0 = 0x0182_b283;
const JR_T0 = 0x0002_8067;

const FW_DYNAMIC_MAGIC = 0x4942_534f;
const FW_DYNAMIC_VERSION = 2;
const NEXT_MODE_S = 1;

/**
 * QEMU's reset vector for the start of the boot ROM. Every hart runs it: it jumps to `entry` with the hart's
 * id in a0, the device tree in a1 and OpenSBI's fw_dynamic information in a2.
 */
export function bootRom({ xlen, entry, treeAddress, nextAddress }: BootRomOptions): Uint8Array {
  const wide = xlen === 64;
  const pair = (value: number) => [value % 2 ** 32, Math.floor(value / 2 ** 32)];
  const info = [FW_DYNAMIC_MAGIC, FW_DYNAMIC_VERSION, nextAddress, NEXT_MODE_S, 0, 0];
  const rom = [
    AUIPC_T0,
    ADDI_A2_T0_40,
    CSRR_A0_MHARTID,
    wide ? LD_A1_32_T0 : LW_A1_32_T0,
    wide ? LD_T0_24_T0 : LW_T0_24_T0,
    JR_T0,
    ...pair(entry),
    ...pair(treeAddress),
    ...(wide ? info.flatMap(pair) : info),
  ];
  const bytes = new Uint8Array(rom.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of rom.entries()) view.setUint32(i * 4, word, true);
  return bytes;
}
