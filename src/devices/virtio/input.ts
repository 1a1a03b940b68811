import type { InputDeviceKind } from '../../ports/config.js';
import { ABSOLUTE_MAX, INPUT_AXIS, INPUT_TYPE } from '../../ports/input-codes.js';
import { BUTTON_CODES, KEY_CODES } from '../../ports/key-codes.js';
import { halves, u8, u32, words } from '../../state/layout.js';
import { type TransportPorts, type VirtioFunction, VirtioMmio, virtioState } from './mmio-transport.js';
import { offeredFeatures } from './queue.js';
import { scatter } from './scatter.js';

const QUEUE = { event: 0, status: 1 } as const;
const QUEUE_SIZES = [64, 64];
const EVENT_BYTES = 8;
/** Events between two reports that are kept; more are lost. */
const MOST_EVENTS = 64;

/** virtio 1.2, section 5.8.2. */
const SELECT = { name: 1, serial: 2, ids: 3, properties: 0x10, bits: 0x11, axis: 0x12 } as const;
const CONFIG = { select: 0, subselect: 1, size: 2, data: 8, bytes: 136 } as const;
const BUS_VIRTUAL = 6;
const VENDOR_QEMU = 0x0627;

interface Description {
  readonly name: string;
  readonly product: number;
  readonly version: number;
  /** Event codes by type. */
  readonly events: Readonly<Record<number, readonly number[]>>;
}

const WHEEL_BUTTONS = [0x150, 0x151];
const POINTER_BUTTONS = [...Object.values(BUTTON_CODES), ...WHEEL_BUTTONS];

/** As QEMU 7.2 describes its devices. */
const DESCRIPTIONS: Readonly<Record<InputDeviceKind, Description>> = {
  keyboard: {
    name: 'QEMU Virtio Keyboard',
    product: 1,
    version: 1,
    events: {
      [INPUT_TYPE.key]: [...new Set(KEY_CODES.values())],
      [INPUT_TYPE.led]: [0, 1, 2],
      [INPUT_TYPE.repeat]: [],
    },
  },
  mouse: {
    name: 'QEMU Virtio Mouse',
    product: 2,
    version: 2,
    events: {
      [INPUT_TYPE.key]: POINTER_BUTTONS,
      [INPUT_TYPE.relative]: [INPUT_AXIS.x, INPUT_AXIS.y, INPUT_AXIS.wheel],
    },
  },
  tablet: {
    name: 'QEMU Virtio Tablet',
    product: 3,
    version: 2,
    events: {
      [INPUT_TYPE.key]: POINTER_BUTTONS,
      [INPUT_TYPE.relative]: [INPUT_AXIS.wheel],
      [INPUT_TYPE.absolute]: [INPUT_AXIS.x, INPUT_AXIS.y],
    },
  },
};

export const VIRTIO_INPUT_STATE = virtioState('virtio-input', QUEUE_SIZES, {
  select: u8(),
  subselect: u8(),
  /** Events since the last report. */
  types: halves(MOST_EVENTS),
  codes: halves(MOST_EVENTS),
  values: words(MOST_EVENTS),
  events: u32(),
});

export type VirtioInputState = ReturnType<(typeof VIRTIO_INPUT_STATE)['bind']>;

/**
 * Input device (virtio 1.2, section 5.8). As in QEMU, events go to the driver with the report that ends them, all of
 * them or, without enough buffers, none. It has no legacy interface.
 */
export class VirtioInput implements VirtioFunction {
  readonly deviceId = 18;
  readonly queueSizes = QUEUE_SIZES;
  readonly features = offeredFeatures(0);
  readonly configBytes = CONFIG.bytes;
  readonly transport: VirtioMmio;

  constructor(
    readonly kind: InputDeviceKind,
    private readonly state: VirtioInputState,
    ports: TransportPorts,
  ) {
    this.transport = new VirtioMmio(this, state, 'modern', ports);
  }

  /** One event; one of type `sync` reports those before it. */
  send(type: number, code: number, value: number): void {
    const { state } = this;
    if (!this.transport.driven) return;
    if (state.events < MOST_EVENTS) {
      state.types[state.events] = type;
      state.codes[state.events] = code;
      state.values[state.events] = value;
      state.events++;
    }
    if (type !== INPUT_TYPE.sync) return;
    this.transport.guarded(() => this.#report());
    state.events = 0;
  }

  readConfig(offset: number): number {
    if (offset === CONFIG.select) return this.state.select;
    if (offset === CONFIG.subselect) return this.state.subselect;
    const data = configData(this.kind, this.state.select, this.state.subselect);
    return (offset === CONFIG.size ? data.length : data[offset - CONFIG.data]) ?? 0;
  }

  writeConfig(offset: number, value: number): void {
    if (offset === CONFIG.select) this.state.select = value;
    else if (offset === CONFIG.subselect) this.state.subselect = value;
  }

  /** What the driver says, LEDs, changes nothing here. */
  notified(queue: number): void {
    if (queue !== QUEUE.status) return;
    this.transport.guarded(() => {
      const taken = this.transport.queues[QUEUE.status].serveAll(() => 0);
      if (taken) this.transport.interruptForQueue(QUEUE.status);
    });
  }

  reset(): void {
    this.state.events = 0;
  }

  #report(): void {
    const { state } = this;
    const queue = this.transport.queues[QUEUE.event];
    if (!queue.ready || queue.waiting < state.events) return;
    const event = new DataView(new ArrayBuffer(EVENT_BYTES));
    for (let i = 0; i < state.events; i++) {
      const chain = queue.pop();
      if (chain === undefined) return;
      event.setUint16(0, state.types[i], true);
      event.setUint16(2, state.codes[i], true);
      event.setUint32(4, state.values[i], true);
      queue.push(chain.head, scatter(chain.in, new Uint8Array(event.buffer)));
    }
    this.transport.interruptForQueue(QUEUE.event);
  }
}

/** Answer to a query; empty when there is none. */
function configData(kind: InputDeviceKind, select: number, subselect: number): Uint8Array {
  const { name, product, version, events } = DESCRIPTIONS[kind];
  switch (select) {
    case SELECT.name:
      return subselect === 0 ? Uint8Array.from(`${name}\0`, letter => letter.charCodeAt(0)) : NOTHING;
    case SELECT.ids:
      return new Uint8Array(Uint16Array.of(BUS_VIRTUAL, VENDOR_QEMU, product, version).buffer);
    case SELECT.bits:
      return subselect in events ? bitmap(events[subselect]) : NOTHING;
    case SELECT.axis:
      return events[INPUT_TYPE.absolute]?.includes(subselect)
        ? new Uint8Array(Uint32Array.of(0, ABSOLUTE_MAX, 0, 0, 0).buffer)
        : NOTHING;
    default:
      return NOTHING;
  }
}

const NOTHING = new Uint8Array(0);

function bitmap(codes: readonly number[]): Uint8Array {
  const bits = new Uint8Array(Math.max(0, ...codes.map(code => code >> 3)) + 1);
  for (const code of codes) bits[code >> 3] |= 1 << (code & 7);
  return bits;
}
