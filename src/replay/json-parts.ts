/** Checks of JSON that people may have changed. What is wrong is an InputError that starts with where. */
import { InputError } from '../state/input-error.js';

export function object(where: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new InputError(`${where}: not a JSON object`);
}

/** Lists and objects within each other: ours have fewer, and very many are more than a reader's stack holds. */
const MOST_DEPTH = 8;

export function json(where: string, text: string): unknown {
  if (depthOf(text) > MOST_DEPTH)
    throw new InputError(`${where}: lists within lists, deeper than any of ours`);
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError(`${where}: not JSON`);
  }
}

/** How many lists and objects stand within each other; text is passed over. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth);
    else if (token === ']' || token === '}') depth--;
  }
  return deepest;
}

export function textOf(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`${path}: not UTF-8`);
  }
}

export const jsonOf = (path: string, bytes: Uint8Array): unknown => json(path, textOf(path, bytes));

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
