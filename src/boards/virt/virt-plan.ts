import { MACHINE_STATE } from '../../machine/board.js';
import { timeState } from '../../machine/virtual-time.js';
import { behaviourOf } from '../../ports/revisions.js';
import { planExtensionStates } from '../../riscv/extension-state.js';
import { HART_STATE } from '../../riscv/hart-state.js';
import { parseIsa } from '../../riscv/isa-text.js';
import { reservationState } from '../../riscv/reservation-state.js';
import { StatePlan } from '../../state/layout.js';
import { planDevices } from '../board-devices.js';
import type { DeviceRow } from '../device-row.js';
import type { BoardConfig } from './virt-devices.js';

/** Reserves the declared state of a board with these devices; nothing is built and no memory is taken. */
export function planVirt(config: BoardConfig, rows: readonly DeviceRow[]) {
  const plan = new StatePlan();
  const machine = plan.add('machine', MACHINE_STATE);
  const hart = parseIsa(config.isa);
  const harts = Array.from({ length: config.harts }, (_, id) => plan.add(`hart${id}`, HART_STATE));
  const devices = planDevices(rows, plan);
  const time = plan.add('time', timeState(devices.timers));
  const reservations =
    behaviourOf(config).reservation === 'writes'
      ? plan.add('reservations', reservationState(config.harts))
      : undefined;
  const extensions = harts.map(({ name }) => planExtensionStates(plan, name, hart));
  return { plan, machine, hart, harts, devices, time, reservations, extensions };
}
