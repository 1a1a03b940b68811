import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { GdbSession, hasGdb, runGdb } from './gdb.js';

describe.skipIf(!hasGdb)('gdb driver', () => {
  it('returns what a user sees, errors included', async () => {
    await using gdb = await GdbSession.start();
    expect(await gdb.command('print 6 * 7')).toBe('$1 = 42\n');
    expect(await gdb.command('print "\\303\\244\\t\\\\"')).toContain('$2 = ');
    expect(await gdb.command('frobnicate')).toBe('Undefined command: "frobnicate".  Try "help".\n');
    const { stdout, exitCode } = await runGdb({ commands: ['print 1', 'frobnicate', 'print 2'] });
    expect(stdout).toContain('$1 = 1');
    expect(stdout).toContain('Undefined command');
    expect(stdout).toContain('$2 = 2');
    expect(exitCode).not.toBeNull();
  });

  it('ends gdb when a command hangs', async () => {
    const silent = createServer(socket => socket.resume()).listen({ host: '127.0.0.1', port: 0 });
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    try {
      await expect(GdbSession.start({ port, timeoutMs: 1500 })).rejects.toThrow(/took longer than 1500 ms/);
      await expect(runGdb({ port, commands: [], timeoutMs: 1500 })).rejects.toThrow(/took longer than/);
    } finally {
      silent.close();
    }
  });

  it('fails at once when gdb dies', async () => {
    const gdb = await GdbSession.start();
    const answer = gdb.command('shell sleep 2').catch((error: Error) => error.message);
    await gdb.kill();
    expect(await answer).toContain('gdb ended');
    await gdb.close();
  });
});
