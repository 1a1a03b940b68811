import type { DebugTarget } from '../../timeline/debug-target.js';
import type { PointKind } from '../rsp/command.js';

/**
 * What the debugger has inserted. The protocol wants insertion and removal to be idempotent per type; a
 * software and a hardware breakpoint at one address are a single breakpoint of the target.
 */
export class Points {
  private readonly software = new Set<bigint>();
  private readonly hardware = new Set<bigint>();

  constructor(private readonly target: DebugTarget) {}

  insert(point: PointKind, address: bigint, length: number): void {
    if (point !== 'software' && point !== 'hardware') {
      this.target.insertWatchpoint(point, address, length);
      return;
    }
    if (!this.has(address)) this.target.insertBreakpoint(address);
    this[point].add(address);
  }

  remove(point: PointKind, address: bigint, length: number): void {
    if (point !== 'software' && point !== 'hardware') {
      this.target.removeWatchpoint(point, address, length);
      return;
    }
    if (this[point].delete(address) && !this.has(address)) this.target.removeBreakpoint(address);
  }

  clear(): void {
    this.software.clear();
    this.hardware.clear();
    this.target.clearBreakpoints();
  }

  /** The type to report for a stop at `address`. */
  breakpointKind(address: bigint): 'software' | 'hardware' {
    return this.hardware.has(address) && !this.software.has(address) ? 'hardware' : 'software';
  }

  private has(address: bigint): boolean {
    return this.software.has(address) || this.hardware.has(address);
  }
}
