/**
 * Text that came out of a file, a guest or the network, before it goes to a terminal: what could steer the terminal or
 * show a text other than it is becomes visible as \uXXXX. That is also how JSON writes such a character, so lines of
 * JSON stay what they are.
 *
 * C0 and C1 controls but for the tab, DEL, line and paragraph separators, marks and overrides of the writing
 * direction (bidi, as in "Trojan Source"), invisible spaces and joiners, tags, and halves of surrogate pairs that
 * stand alone.
 */
const UNPRINTABLE =
  /(?!\t)[\p{Cc}\u2028\u2029\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu;

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');

/** One line. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped);

/** Lines of our own making around texts that are not: line feeds stay. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');
