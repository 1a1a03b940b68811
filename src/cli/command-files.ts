import { HostFiles } from '../host/files/host-files.js';

/** A process runs one command: these are its files, for whatever it reads and writes. */
export const commandFiles = new HostFiles();
