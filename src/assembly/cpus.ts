/** A CPU as `--cpu` takes it: a name, perhaps with QEMU's options (`rv64,zbc=off`), or an ISA string. */
export type CpuName = string;

/** For firmware of either width. */
export const DEFAULT_CPU = { 32: 'rv32gc', 64: 'rv64gc' } as const;
