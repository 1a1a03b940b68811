/** What a command is answered with: replies, and what the session does behind them. */
import { InputError } from '../../state/input-error.js';
import { type Resume, TargetError } from '../../timeline/debug-target.js';
import type { Reply } from '../rsp/reply.js';

/** What the session does after the replies are sent. */
export type Outcome =
  | { readonly kind: 'resume'; readonly request: Resume }
  | { readonly kind: 'no-acknowledgements' }
  | { readonly kind: 'close' };

export interface Answer {
  readonly replies: readonly Reply[];
  readonly outcome?: Outcome;
}

export const OK: Answer = { replies: [{ kind: 'ok' }] };
export const EMPTY: Answer = { replies: [{ kind: 'empty' }] };

export function reply(single: Reply): Answer {
  return { replies: [single] };
}

export function text(content: string): Answer {
  return reply({ kind: 'text', text: content });
}

/** What the target, or what it stands on, refuses in words for the user. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof TargetError || error instanceof InputError;
}
