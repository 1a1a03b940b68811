/**
 * Whether sessions look for broken invariants wherever the machine rests: BACKSTUB_CHECK=1. For tests; it takes time.
 */
export const checksInvariants = (): boolean => process.env.BACKSTUB_CHECK === '1';
