/**
 * A fact that the code relies on does not hold: a fault of this program, never of a user or a guest. Looked for where
 * the machine rests, and only when somebody asks (BACKSTUB_CHECK=1, as the tests do).
 */
export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';

  /** `where`: what holds the fact; `what`: how it is broken. */
  constructor(where: string, what: string) {
    super(`broken invariant in ${where}: ${what}`);
  }
}
