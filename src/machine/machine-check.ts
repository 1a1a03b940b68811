import { BrokenInvariant } from '../state/invariant.js';
import type { Machine } from './machine.js';

/** Throws BrokenInvariant when a machine that rests at a boundary is not as every room of it relies on. */
export function checkMachine(machine: Machine): void {
  const { board } = machine;
  const { harts, memory, decode, breakpoints, time } = board;
  checkTurn(machine);
  checkPoints(machine);
  if (!machine.poweredOff && time.nextDeadline() <= machine.virtualNs)
    throw new BrokenInvariant(
      'virtual time',
      `a timer that was due at ${time.nextDeadline()} ns has not fired`,
    );
  memory.check();
  breakpoints.check();
  decode.check();
  for (const hart of harts) hart.check();
}

/** Whose turn it is was settled where the last run or event ended: asking changes nothing. */
function checkTurn(machine: Machine): void {
  const { harts, machineState } = machine.board;
  const turn = () => {
    const { currentHart, quantumLeft } = machineState;
    return [currentHart, quantumLeft, ...harts.map(hart => hart.asleep)].join(' ');
  };
  const before = turn();
  // Asks, and settles it if need be.
  machine.nextHart;
  if (turn() !== before)
    throw new BrokenInvariant('the machine', `whose turn it is was not settled: ${before} became ${turn()}`);
}

/** The machine looks out for what its last run was given, and for nothing else. */
function checkPoints({ armed, board }: Machine): void {
  const named = (points: readonly { low: number; high: number; length?: number }[]) =>
    points.map(({ low, high, length = 0 }) => `${high}:${low}+${length}`).join(' ');
  const there = named([...board.breakpoints.points, ...board.watches.ranges]);
  const given = named([...armed.breakpoints, ...armed.watchpoints]);
  if (there !== given) throw new BrokenInvariant('the points', `armed are "${there}" and not "${given}"`);
}
