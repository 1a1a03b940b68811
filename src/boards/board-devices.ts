import type { Bus } from '../machine/bus.js';
import type { VirtualTime } from '../machine/virtual-time.js';
import type { Device, IrqLine } from '../ports/device.js';
import type { Component, Layout, StateOf, StatePlan } from '../state/layout.js';
import { DeviceInputs } from './device-inputs.js';
import type { BuiltDevice, DevicePorts, DeviceRow, DeviceSurroundings, Services } from './device-row.js';

/** A row, and where its parts stand among those of the others. */
export interface PlannedDevice {
  readonly row: DeviceRow;
  readonly components: readonly Component[];
  readonly firstTimer: number;
  /** Where its backing memory begins, from the start of all of it. */
  readonly backing: number;
}

/** What the devices of a board need before any is built. */
export interface DevicesPlan {
  readonly devices: readonly PlannedDevice[];
  readonly timers: number;
  readonly backingBytes: number;
}

/** Reserves state, timers and backing memory, in the order of the rows. */
export function planDevices(rows: readonly DeviceRow[], plan: StatePlan): DevicesPlan {
  let [timers, backingBytes] = [0, 0];
  const devices = rows.map(row => {
    const components = Object.entries(row.state).map(([name, layout]) => plan.add(name, layout));
    const planned = { row, components, firstTimer: timers, backing: backingBytes };
    timers += row.timers ?? 0;
    backingBytes += row.backingBytes ?? 0;
    return planned;
  });
  return { devices, timers, backingBytes };
}

/** Devices that were built from their rows, one after the other, and put on the bus. */
export class BoardDevices {
  readonly inputs: DeviceInputs;
  readonly services: Partial<Services> = {};
  readonly #devices: readonly Device[];
  /** For each timer, whose it is, and its number there. */
  readonly #timers: { readonly device: Device; readonly index: number }[] = [];
  readonly #atBoundary: readonly Device[];

  /** `bind` gives the state of a component; `backing` is the host address of the devices' own memory. */
  constructor(
    plan: DevicesPlan,
    bind: (component: Component) => StateOf<Layout>,
    backing: number,
    bus: Bus,
    private readonly time: VirtualTime,
    surroundings: DeviceSurroundings,
  ) {
    const built: BuiltDevice[] = [];
    const devices: Device[] = [];
    for (const planned of plan.devices) {
      const { row } = planned;
      if (row.build === undefined) continue;
      const states = Object.fromEntries(planned.components.map(one => [one.name, bind(one)]));
      const one = row.build(this.#ports(planned, backing, surroundings), states);
      Object.assign(this.services, one.services);
      const device = one.device ?? one.registers ?? {};
      built.push(one);
      devices.push(device);
      for (let index = 0; index < (row.timers ?? 0); index++) this.#timers.push({ device, index });
      const { window } = row;
      if (window && one.registers) bus.attach(window.base, window.decoded ?? window.bytes, one.registers);
    }
    this.inputs = new DeviceInputs(built.map(({ inputs }) => inputs ?? {}));
    this.#devices = devices;
    this.#atBoundary = devices.filter(device => device.atBoundary !== undefined);
  }

  /** Throws when there is no such service. */
  service<S extends keyof Services>(name: S): Services[S] {
    const service: Services[S] | undefined = this.services[name];
    if (service === undefined) throw new Error(`no device before this one is for ${name}`);
    return service;
  }

  /** Why what happens here cannot be recorded: one reason for each device that cannot be replayed. */
  get replayBlockers(): readonly string[] {
    return this.#devices.flatMap(({ notReplayable }) =>
      notReplayable === undefined ? [] : [`device ${notReplayable.name} ${notReplayable.because}`],
    );
  }

  fireTimer(timer: number): void {
    const { device, index } = this.#timers[timer];
    device.onTimer?.(index);
  }

  settle(): void {
    for (const device of this.#devices) device.settle?.();
  }

  atBoundary(): void {
    for (const device of this.#atBoundary) device.atBoundary?.();
  }

  afterRestore(): void {
    for (const device of this.#devices) device.afterRestore?.();
  }

  #ports(
    { row, firstTimer, backing }: PlannedDevice,
    start: number,
    surroundings: DeviceSurroundings,
  ): DevicePorts {
    return {
      ...surroundings,
      irq: row.interrupt === undefined ? NO_LINE : this.service('interrupts')(row.interrupt),
      timers: Array.from({ length: row.timers ?? 0 }, (_, own) => this.time.timer(firstTimer + own)),
      backing: start + backing,
      service: <S extends keyof Services>(name: S) => this.service(name),
    };
  }
}

/** Of a device whose row names no interrupt. */
const NO_LINE: IrqLine = {
  set() {
    throw new Error('a device sets its interrupt, and its row names none');
  },
};
