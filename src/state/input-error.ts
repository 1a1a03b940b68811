/**
 * Bad input from outside: a file, an option, a recording. The message is the one line the user sees:
 * what is wrong, where, and what to do. Never thrown for a fault of the guest.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}
