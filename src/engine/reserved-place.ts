import type { CommonPlan } from '../memory/memory-plan.js';
import type { FunctionBody, Local } from '../wasm/function-body.js';
import { CONTROL } from './engine-layout.js';
import type { AccessSize } from './expressions.js';

/** Notes where a load that reserves has read: `host` plus `bias` is the host address, a multiple of the size. */
export function emitReservedAt(
  f: FunctionBody,
  plan: CommonPlan,
  host: Local,
  size: AccessSize,
  bias = 0,
): void {
  f.i32(0)
    .get(host)
    .i32(bias + size / 4)
    .op('i32_add');
  f.memory('i32_store', plan.control + CONTROL.reservedAt);
}
