import { agentCondition } from '../../agent/agent-expression.js';
import { compileExpression } from '../../agent/c-expression.js';
import { TargetError } from '../../timeline/debug-target.js';
import {
  type MonitorAnswer,
  type MonitorCommand,
  type MonitorContext,
  required,
  whereNamesAre,
} from './monitor-command.js';

/** GDB keeps the conditions of watchpoints to itself and stops at every access; these are the target's. */
export const WATCH_CONDITION: MonitorCommand = {
  name: 'watch-condition',
  usage: '[ADDR|SYMBOL [EXPRESSION]]',
  summary:
    'watchpoints there count only if EXPRESSION, e.g. $icount > 1000 && count != 7, holds before the access',
  run: (context, argument) => (argument === '' ? list(context) : change(context, argument)),
};

function list({ points }: MonitorContext): MonitorAnswer {
  const lines = [...points.watchConditions].map(
    ([address, { text }]) => `0x${address.toString(16)} if ${text}`,
  );
  return { text: lines.length === 0 ? 'no conditions of watchpoints' : lines.join('\n') };
}

function change(context: MonitorContext, argument: string): MonitorAnswer {
  const [place = '', ...words] = argument.split(/\s+/);
  const text = argument.slice(place.length).trim();
  const address = addressOf(required(place, 'watch-condition ADDR|SYMBOL [EXPRESSION]'), context);
  const shown = `0x${address.toString(16)}`;
  if (words.length === 0) {
    if (!context.points.setWatchCondition(address, undefined)) {
      throw new TargetError(`watchpoints at ${shown} have no condition`);
    }
    return { text: `watchpoints at ${shown} count always` };
  }
  const { registers, target } = context;
  const code = compileExpression(text, {
    register: name => registers.named(name),
    symbol: name => target.symbols?.find(name),
  });
  const condition = agentCondition([code], {
    hasRegister: register => registers.has(register),
    longBits: registers.pcBits,
  });
  context.points.setWatchCondition(address, condition && { text, condition });
  return { text: `watchpoints at ${shown} count only if ${text}` };
}

function addressOf(place: string, { target }: MonitorContext): bigint {
  if (/^(0x[0-9a-fA-F]{1,16}|\d{1,19})$/.test(place)) return BigInt(place);
  const symbol = target.symbols?.find(place);
  if (symbol === undefined) throw new TargetError(`there is no symbol ${place}${whereNamesAre(target)}`);
  return symbol.address;
}
