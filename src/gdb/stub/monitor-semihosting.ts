import { TargetError } from '../../timeline/debug-target.js';
import type { MonitorCommand } from './monitor-command.js';

/** GDB takes text for its console only while it waits for a machine that runs: there such output comes up. */
export const SEMIHOSTING_OUTPUT: MonitorCommand = {
  name: 'set semihosting-output',
  usage: 'on|off',
  summary: 'what calls by semihosting print is shown here, too',
  run({ target: { semihosting }, progress }, argument) {
    if (semihosting === undefined) throw new TargetError('this machine answers no calls by semihosting');
    const onOff = () => (semihosting.heard ? 'on' : 'off');
    if (argument !== 'on' && argument !== 'off')
      throw new TargetError(`"${argument}" is neither on nor off; it is ${onOff()}`);
    semihosting.hear(argument === 'on' ? progress : undefined);
    return { text: `semihosting-output is ${onOff()}` };
  },
};
