import { expect } from 'vitest';
import { EmulatorHart } from '../lockstep/emulator-hart.js';
import type { QemuHart } from '../lockstep/qemu-hart.js';
import { type Operation, type OperationTable, operationTable, tableDifferences } from './operation-table.js';

/** Enough for every loop to be compiled before the last one. */
const PASSES = 3;

function runHere(
  isa: string,
  operations: readonly Operation[],
  table: OperationTable,
  jit: boolean,
): Uint8Array {
  const emulator = new EmulatorHart(isa, { ramBytes: 64 << 20 }, { jit, hotAfter: 8 });
  emulator.loadProgram(table.code, table.codeAddress);
  emulator.loadProgram(table.input, table.inputAddress);
  for (let pass = 1; pass <= (jit ? PASSES : 1); pass++) {
    emulator.loadProgram(new Uint8Array(table.outputLength), table.outputAddress);
    emulator.setRegister('pc', BigInt(table.codeAddress));
    emulator.run(table.steps);
    expect(emulator.registers().pc).toBe(BigInt(table.end));
  }
  const compiled = emulator.machine.board.engine.regions?.statistics.instructions ?? 0;
  expect(compiled > 10 * operations.length).toBe(jit);
  return emulator.readMemory(table.outputAddress, table.outputLength);
}

/** Runs the operations on QEMU, interpreted here and compiled here: all have the same results and flags. */
export async function compareOperations(
  qemu: QemuHart,
  isa: string,
  operations: readonly Operation[],
): Promise<void> {
  const table = operationTable(operations, qemu.xlen);
  await qemu.loadProgram(table.code, table.codeAddress);
  await qemu.loadProgram(table.input, table.inputAddress);
  await qemu.setRegister('pc', BigInt(table.codeAddress));
  await qemu.runTo(table.end);
  const expected = await qemu.readMemory(table.outputAddress, table.outputLength);
  for (const jit of [false, true]) {
    const found = runHere(isa, operations, table, jit);
    expect(tableDifferences(operations, expected, found).slice(0, 20)).toEqual([]);
  }
}
