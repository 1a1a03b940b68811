import type { InputDeviceKind } from '../../ports/config.js';
import { ABSOLUTE_MAX, INPUT_AXIS, INPUT_TYPE } from '../../ports/input-codes.js';
import type { InputEvent } from '../../ports/input-event.js';
import { BUTTON_CODES, KEY_CODES } from '../../ports/key-codes.js';
import { sayPlainly } from '../../state/input-error.js';
import { type InputOps, type MouseButton, TargetError } from '../debug-target.js';

/** Bits of QEMU's `mouse_button`. */
const BUTTON_BITS: readonly (readonly [bit: number, button: MouseButton])[] = [
  [1, 'left'],
  [2, 'middle'],
  [4, 'right'],
];

/** Keys, moves and buttons as events of the machine's input devices, each ended by a report. */
export class InputGestures implements InputOps {
  #buttons = 0;

  constructor(
    readonly devices: readonly InputDeviceKind[],
    readonly enter: (event: InputEvent) => void,
    readonly say = sayPlainly,
  ) {}

  sendKey(keys: string): void {
    const codes = keys.split('-').map(codeOf);
    const device = this.#device('keyboard');
    for (const code of codes) this.#report(device, [[INPUT_TYPE.key, code, 1]]);
    for (const code of codes.reverse()) this.#report(device, [[INPUT_TYPE.key, code, 0]]);
  }

  pressKey(key: string, down: boolean): void {
    this.#report(this.#device('keyboard'), [[INPUT_TYPE.key, codeOf(key), down ? 1 : 0]]);
  }

  moveMouse(dx: number, dy: number, wheel = 0): void {
    const moves = [
      [INPUT_AXIS.x, whole(dx)],
      [INPUT_AXIS.y, whole(dy)],
      [INPUT_AXIS.wheel, whole(wheel)],
    ];
    const events = moves
      .filter(([axis, distance]) => distance !== 0 || axis === INPUT_AXIS.x)
      .map(([axis, distance]) => [INPUT_TYPE.relative, axis, distance] as const);
    this.#report(this.#device('mouse'), events);
  }

  moveTablet(x: number, y: number): void {
    for (const place of [x, y]) {
      if (!Number.isInteger(place) || place < 0 || place > ABSOLUTE_MAX) {
        throw new TargetError(`${place} is no place on the tablet: 0 to ${ABSOLUTE_MAX}`);
      }
    }
    this.#report(this.#device('tablet'), [
      [INPUT_TYPE.absolute, INPUT_AXIS.x, x],
      [INPUT_TYPE.absolute, INPUT_AXIS.y, y],
    ]);
  }

  setButtons(buttons: number): void {
    if (!Number.isInteger(buttons) || buttons < 0 || buttons > 7) {
      throw new TargetError(`${buttons} is no set of buttons: 1 is left, 2 middle, 4 right, and their sums`);
    }
    const device = this.devices.includes('mouse') ? this.#device('mouse') : this.#device('tablet');
    const events = BUTTON_BITS.filter(([bit]) => ((buttons ^ this.#buttons) & bit) !== 0).map(
      ([bit, button]) => [INPUT_TYPE.key, BUTTON_CODES[button], (buttons & bit) === 0 ? 0 : 1] as const,
    );
    this.#buttons = buttons;
    if (events.length > 0) this.#report(device, events);
  }

  #device(kind: InputDeviceKind): number {
    const device = this.devices.indexOf(kind);
    if (device < 0) {
      const advice = this.say({ setting: 'inputs', value: `${kind} when it boots` });
      throw new TargetError(`the machine has no ${kind}: ${advice}`);
    }
    return device;
  }

  #report(device: number, events: readonly (readonly [type: number, code: number, value: number])[]): void {
    for (const [type, code, value] of [...events, [INPUT_TYPE.sync, 0, 0]]) {
      this.enter({ kind: 'input', device, type, code, value });
    }
  }
}

function codeOf(key: string): number {
  const code = KEY_CODES.get(key);
  if (code === undefined)
    throw new TargetError(`there is no key "${key}"; keys have QEMU's names, e.g. ctrl-alt-delete`);
  return code;
}

function whole(distance: number): number {
  if (Number.isInteger(distance) && Math.abs(distance) < 2 ** 31) return distance;
  throw new TargetError(`${distance} is no distance: a whole number is needed`);
}
