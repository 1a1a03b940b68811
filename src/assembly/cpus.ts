/** The harts that can be asked for by name, as `--cpu` and the API take them. */
export const CPUS = {
  rv64gc: { xlen: 64, isa: 'rv64imafdcsu_zicsr_zifencei_zba_zbb_zbs' },
  rv32gc: { xlen: 32, isa: 'rv32imafdcsu_zicsr_zifencei_zba_zbb_zbs' },
  rv64gc_zkr: { xlen: 64, isa: 'rv64imafdcsu_zicsr_zifencei_zba_zbb_zbs_zkr' },
  rv32gc_zkr: { xlen: 32, isa: 'rv32imafdcsu_zicsr_zifencei_zba_zbb_zbs_zkr' },
  rv64imac: { xlen: 64, isa: 'rv64imacsu_zicsr_zifencei' },
  rv32imac: { xlen: 32, isa: 'rv32imacsu_zicsr_zifencei' },
} as const satisfies Record<string, { xlen: 32 | 64; isa: string }>;

export type CpuName = keyof typeof CPUS;

export const DEFAULT_CPU: Record<32 | 64, CpuName> = { 32: 'rv32gc', 64: 'rv64gc' };
