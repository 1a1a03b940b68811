/** GDB's packets before the toy machine, over a socket: its own registers, architecture and addresses. */
import { afterEach, describe, expect, test } from 'vitest';
import { GdbServer } from '../../src/gdb/server.js';
import { RspClient } from '../support/rsp-client.js';
import { TOY_MAP } from './toy-board.js';
import { TOY_SCRATCH, toyTicks } from './toy-programs.js';
import { TOY_REGISTER } from './toy-registers.js';
import { bootToy } from './toy-session.js';

const ticks = toyTicks(1000);
const hex = (value: number) => value.toString(16);
/** A word as it goes over the wire. */
const le = (value: number) => Buffer.from(Uint32Array.of(value).buffer).toString('hex');
/** Runs are as GDB's manual has them, E.1: a character, `*`, and how many more there are, less 29. */
const expanded = (text: string) =>
  text.replace(/(.)\*(.)/g, (_, char: string, more: string) => char.repeat(more.charCodeAt(0) - 28));
const wordOf = (text: string) => Buffer.from(expanded(text), 'hex').readUInt32LE();
const unhex = (text: string) => Buffer.from(text, 'hex').toString();

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function served() {
  const live = bootToy(ticks.bytes(), { snapshotIntervalSteps: 900 });
  const server = await GdbServer.start(live.session, { port: 0 });
  const client = await RspClient.connect(server.port);
  open.push(
    () => live.session.close(),
    () => server.close(),
    () => client.close(),
  );
  await client.demand('qSupported:swbreak+;hwbreak+');
  const ip = async () => wordOf(await client.demand(`p${hex(TOY_REGISTER.ip)}`));
  const monitor = async (command: string) => {
    const reply = await client.demand(`qRcmd,${Buffer.from(command).toString('hex')}`);
    return unhex(reply.replace(/^O/, ''));
  };
  return { client, ip, monitor, session: live.session };
}

describe('the toy machine on the wire', () => {
  test('says what it is: registers, architecture, memory', async () => {
    const { client } = await served();
    expect(await client.demand('qSupported:swbreak+;hwbreak+')).toMatch(/ReverseStep\+;ReverseContinue\+/);
    const xml = await client.transfer('features', 'target.xml');
    expect(xml).toContain('<architecture>toy</architecture>');
    expect(xml).toMatch(
      /<reg name="ip" bitsize="32" regnum="16" type="code_ptr" group="general" generic="pc"/,
    );
    expect(xml).toMatch(/<reg name="cause" [^>]*group="trap" save-restore="no"/);
    expect(xml).not.toMatch(/riscv|csr/);
    const names = (await client.targetRegisters()).map(({ name }) => name);
    expect(names).toEqual([
      ...Array.from({ length: 16 }, (_, n) => `r${n}`),
      ...['ip', 'flags', 'from', 'cause', 'fault', 'handling', 'icount'],
    ]);
    expect(await client.transfer('memory-map', '')).toContain(`start="0x${hex(TOY_MAP.ram)}"`);
    // The halted machine, its pc and stack pointer sent along.
    expect(expanded(await client.demand('?'))).toMatch(/^T05.*10:20000010;.*0d:00000000;/);
  });

  test('registers and memory are read and written', async () => {
    const { client, ip } = await served();
    const all = expanded(await client.demand('g'));
    expect(all).toHaveLength(8 * 18);
    expect(all.slice(8 * TOY_REGISTER.ip, 8 * TOY_REGISTER.ip + 8)).toBe(le(await ip()));
    expect(await client.request(`P5=${le(0x1234_5678)}`)).toBe('OK');
    expect(expanded(await client.demand('p5'))).toBe(le(0x1234_5678));
    expect(await client.request(`P${hex(TOY_REGISTER.flags)}=${le(5)}`)).toBe('OK');
    const changed = expanded(await client.demand('g'));
    expect(await client.request(`G${changed}`)).toBe('OK');
    expect(expanded(await client.demand('g'))).toBe(changed);
    expect(wordOf(changed.slice(-8))).toBe(5);
    // What cannot be written, or not to that, is refused.
    expect(await client.request(`P${hex(TOY_REGISTER.cause)}=${le(1)}`)).toMatch(/^E/);
    expect(await client.request(`P${hex(TOY_REGISTER.flags)}=${le(16)}`)).toMatch(/^E/);
    expect(await client.request(`M${hex(TOY_SCRATCH)},4:deadbeef`)).toBe('OK');
    expect(await client.demand(`m${hex(TOY_SCRATCH)},4`)).toBe('deadbeef');
    expect(expanded(await client.demand(`m${hex(TOY_MAP.timer + 4)},4`))).toBe('00000000');
    expect(await client.request('m0,4')).toMatch(/^E/);
  });

  test('stops at points, steps, and does both backwards', async () => {
    const { client, ip } = await served();
    const store = ticks.addressOf('store');
    expect(await client.request(`Z0,${hex(store)},4`)).toBe('OK');
    expect(await client.demand('vCont;c')).toMatch(/^T05.*swbreak:;/);
    expect(await ip()).toBe(store);
    expect(await client.request(`z0,${hex(store)},4`)).toBe('OK');
    expect(await client.demand('s')).toMatch(/^T05/);
    expect(await ip()).toBe(store + 4);
    expect(await client.demand('bs')).toMatch(/^T05/);
    expect(await ip()).toBe(store);
    expect(await client.request(`Z2,${hex(TOY_SCRATCH)},4`)).toBe('OK');
    const stop = await client.demand('c');
    expect(stop).toContain(`watch:${hex(TOY_SCRATCH)};`);
    const value = wordOf(await client.demand(`m${hex(TOY_SCRATCH)},4`));
    // As GDB goes on from there: without the point for one step.
    expect(await client.request(`z2,${hex(TOY_SCRATCH)},4`)).toBe('OK');
    expect(await client.demand('s')).toMatch(/^T05/);
    expect(await client.request(`Z2,${hex(TOY_SCRATCH)},4`)).toBe('OK');
    expect(await client.demand('c')).toContain('watch:');
    expect(wordOf(await client.demand(`m${hex(TOY_SCRATCH)},4`))).toBe(value + 1);
    expect(await client.demand('bc')).toContain('watch:');
    expect(await client.request(`z2,${hex(TOY_SCRATCH)},4`)).toBe('OK');
    expect(await client.demand('bc')).toMatch(/replaylog:begin/);
    expect(await ip()).toBe(TOY_MAP.ram + 0x20);
  });

  test('a condition reads its registers, and monitor commands answer', async () => {
    const { client, monitor, session } = await served();
    expect(await client.request(`Z2,${hex(TOY_SCRATCH)},4`)).toBe('OK');
    expect(await monitor(`watch-condition 0x${hex(TOY_SCRATCH)} $r2 == 5`)).not.toContain('unknown');
    expect(await client.demand('c')).toContain('watch:');
    expect(wordOf(await client.demand('p2'))).toBe(5);
    expect(await client.request(`z2,${hex(TOY_SCRATCH)},4`)).toBe('OK');
    await session.runToEnd({ maxIcount: 3000 });
    expect(await monitor('info replay')).toContain('3000');
    expect(await monitor('goto 1000')).toContain('1000');
    expect(session.status().icount).toBe(1000);
    expect(await monitor(`last-write 0x${hex(TOY_SCRATCH)} 4`)).toContain(hex(ticks.addressOf('store')));
    expect(await client.demand('qThreadExtraInfo,1').then(unhex)).toMatch(
      /^CPU#0 (running|waiting|in a handler)/,
    );
  });
});
