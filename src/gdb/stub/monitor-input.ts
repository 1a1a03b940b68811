/** The `monitor` commands for the guest's input devices; names and arguments as in QEMU's monitor. */
import { TargetError } from '../../timeline/debug-target.js';
import { type MonitorAnswer, type MonitorCommand, type MonitorContext, required } from './monitor-command.js';

const SENT: MonitorAnswer = { text: 'sent; the guest gets it when it runs' };

const inputOf = ({ target }: MonitorContext) => {
  if (target.input === undefined) throw new TargetError('this machine takes no such input');
  return target.input;
};

function numbers(argument: string, least: number, most: number, usage: string): number[] {
  const values = argument.split(/\s+/).filter(part => part !== '');
  const parsed = values.map(Number);
  if (values.length < least || values.length > most || parsed.some(value => !Number.isFinite(value))) {
    throw new TargetError(`"${argument}" does not fit; usage: ${usage}`);
  }
  return parsed;
}

export const INPUT_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'sendkey',
    usage: 'KEYS',
    summary: 'presses and releases keys of the keyboard, e.g. a or ctrl-alt-delete',
    run: (context, keys) => {
      inputOf(context).sendKey(required(keys, 'sendkey KEYS'));
      return SENT;
    },
  },
  {
    name: 'mouse_move',
    usage: 'DX DY [DZ]',
    summary: 'moves the mouse, and turns its wheel',
    run: (context, argument) => {
      const [dx, dy, dz] = numbers(argument, 2, 3, 'mouse_move DX DY [DZ]');
      inputOf(context).moveMouse(dx, dy, dz);
      return SENT;
    },
  },
  {
    name: 'mouse_button',
    usage: 'STATE',
    summary: 'buttons that are down: the sum of 1 left, 2 middle, 4 right',
    run: (context, argument) => {
      const [buttons] = numbers(argument, 1, 1, 'mouse_button STATE');
      inputOf(context).setButtons(buttons);
      return SENT;
    },
  },
  {
    name: 'tablet_move',
    usage: 'X Y',
    summary: 'moves the pointer of the tablet; both go from 0 to 32767',
    run: (context, argument) => {
      const [x, y] = numbers(argument, 2, 2, 'tablet_move X Y');
      inputOf(context).moveTablet(x, y);
      return SENT;
    },
  },
];
