import { existsSync } from 'node:fs';

/** The first of these paths that leads to something. */
export const firstFile = (paths: readonly string[]): string | undefined =>
  paths.find(path => existsSync(path));
