/** Monitor commands about the history as a whole: branches, saving it. */
import { type BranchOps, type DebugTarget, TargetError } from '../../timeline/debug-target.js';
import { parseMoment } from '../../timeline/moment-text.js';
import { type MonitorCommand, required } from './monitor-command.js';

export const HISTORY_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'branch list',
    usage: '',
    summary: 'courses of events: the real one, and those that changes in the past began',
    run: ({ target }) => ({
      text: branches(target)
        .list()
        .map(({ name, parent, forkedAt, end, current }) => {
          const from = parent === undefined ? '' : `, left ${parent} at icount ${forkedAt}`;
          return `${current ? '*' : ' '} ${name}${from}, ends at icount ${end}`;
        })
        .join('\n'),
    }),
  },
  {
    name: 'branch switch',
    usage: 'NAME',
    summary: 'goes to the end of another branch',
    run: async ({ target }, name) => {
      await branches(target).switchTo(required(name, 'branch switch NAME'));
      return { text: `on ${name}, at icount ${target.status().icount}`, moved: true };
    },
  },
  {
    name: 'branch drop',
    usage: 'NAME',
    summary: 'forgets a branch',
    run: ({ target }, name) => {
      branches(target).drop(required(name, 'branch drop NAME'));
      return { text: `${name} dropped` };
    },
  },
  {
    name: 'history save',
    usage: 'FILE [from ICOUNT|NAME]',
    summary: 'writes the history as a recording, from its beginning or from a moment on',
    run: async ({ target }, argument) => {
      if (target.saveHistory === undefined) throw new TargetError('this target cannot save its history');
      const [, path, from] = /^(.*\S)\s+from\s+(\S.*)$/.exec(argument) ?? [undefined, argument, undefined];
      await target.saveHistory(required(path, 'history save FILE [from ICOUNT|NAME]'), {
        from: from === undefined ? undefined : parseMoment(from),
      });
      return { text: `history saved to ${path}${from === undefined ? '' : `, from ${from} on`}` };
    },
  },
];

function branches(target: DebugTarget): BranchOps {
  if (target.branches === undefined) throw new TargetError('this target has no branches');
  return target.branches;
}
