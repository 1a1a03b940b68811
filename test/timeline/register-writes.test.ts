/** A debugger's write of a register: what was written reads back, or the debugger is told why not. */
import { describe, expect, it } from 'vitest';
import { boot, type DebugSession } from '../../src/api/index.js';
import { connect } from '../gdb/wire.js';
import { bootFixture, fixture, replay, savedPart } from '../support/sessions.js';
import { registerOf, setRegister } from './gdb-call.js';

const CSRS = 65;
const PRIVILEGE = 4161;
const csr = (number: number) => CSRS + number;
const [MCYCLE, MINSTRET, MCOUNTINHIBIT] = [csr(0xb00), csr(0xb02), csr(0x320)];

async function atMain(): Promise<DebugSession> {
  const session = boot('fixtures/rv64/demo.elf');
  await session.runUntil('main');
  return session;
}

describe('a counter that a debugger writes', () => {
  it.each([
    ['mcycle', MCYCLE],
    ['minstret', MINSTRET],
  ])('%s shows exactly that, and counts on from there', async (_, counter) => {
    using session = await atMain();
    const { target } = session;
    setRegister(target, counter, 100n);
    expect(registerOf(target, counter)).toBe(100n);
    await session.step(7);
    expect(registerOf(target, counter)).toBe(107n);
    setRegister(target, MCOUNTINHIBIT, 5n);
    expect(registerOf(target, counter)).toBe(107n);
    await session.step(3);
    expect(registerOf(target, counter)).toBe(107n);
    setRegister(target, counter, 0xffff_ffff_ffff_fffen);
    expect(registerOf(target, counter)).toBe(0xffff_ffff_ffff_fffen);
    setRegister(target, MCOUNTINHIBIT, 0n);
    expect(registerOf(target, counter)).toBe(0xffff_ffff_ffff_fffen);
    await session.step(3);
    expect(registerOf(target, counter)).toBe(1n);
  });

  it('shows the same when the recording is replayed, and on an older machine what it showed there', async () => {
    const live = bootFixture(fixture('rv64', 'demo'));
    setRegister(live.session, MCYCLE, 100n);
    const recording = await savedPart(live, {});
    const again = replay(recording).session;
    await again.seek('end');
    expect(registerOf(again, MCYCLE)).toBe(100n);
    const config = { ...recording.header.config, machineRevision: 1 };
    const old = replay({ ...recording, header: { ...recording.header, config } }).session;
    await old.seek('end');
    expect(registerOf(old, MCYCLE)).toBe(99n);
  });

  it('does not dirty the floating-point state: no instruction has run', async () => {
    using session = await atMain();
    const { target } = session;
    const mstatus = csr(0x300);
    setRegister(target, mstatus, registerOf(target, mstatus) & ~0x8000_0000_0000_6000n);
    const clean = registerOf(target, mstatus);
    target.writeRegister(0, csr(3), new Uint8Array([0x21, 0, 0, 0]));
    expect(registerOf(target, csr(3))).toBe(0x21n);
    expect(registerOf(target, mstatus)).toBe(clean);
  });
});

describe('a write that a register cannot take', () => {
  const REFUSED: readonly (readonly [string, number, bigint])[] = [
    ['zero', 0, 1n],
    ['pc', 32, 0x8000_0001n],
    ['priv', PRIVILEGE, 2n],
    ['priv', PRIVILEGE, 0x1_0000_0003n],
    ['misa', csr(0x301), 0n],
    ['mhartid', csr(0xf14), 1n],
    ['cycle', csr(0xc00), 1n],
    ['time', csr(0xc01), 999n],
    ['mepc', csr(0x341), 0x8000_0011n],
    ['sepc', csr(0x141), 1n],
    ['mip', csr(0x344), 0xffffn],
    ['mie', csr(0x304), 1n << 20n],
    ['mtvec', csr(0x305), 2n],
    ['mstatus', csr(0x300), 0x1800n],
    ['satp', csr(0x180), 1n << 60n],
    ['medeleg', csr(0x302), 1n << 20n],
    ['mhpmcounter3', csr(0xb03), 1n],
    ['pmpaddr0', csr(0x3b0), 0xffff_ffff_ffff_ffffn],
    ['pmpcfg0', csr(0x3a0), 2n],
  ];

  it.each(REFUSED)('%s (%i) is refused in one line, and changes nothing', async (name, register, value) => {
    using session = await atMain();
    const { target } = session;
    const before = target.checkpoint().digests;
    expect(() => setRegister(target, register, value)).toThrow(
      new RegExp(
        `^${name} cannot (hold 0x[0-9a-f]+: it would hold 0x[0-9a-f]+|be written: it is read-only)$`,
      ),
    );
    expect(target.checkpoint().digests).toEqual(before);
    expect(target.events()).toEqual([]);
    const wire = await connect(target);
    await wire.ask('qSupported:xmlRegisters=i386');
    const hex = Buffer.from(new Uint8Array(new BigUint64Array([value]).buffer)).toString('hex');
    expect(await wire.ask(`P${register.toString(16)}=${hex}`)).toMatch(new RegExp(`^E\\.${name} cannot `));
  });

  it('is refused where pmp is locked', async () => {
    using session = await atMain();
    const { target } = session;
    setRegister(target, csr(0x3a0), 0x9fn);
    expect(() => setRegister(target, csr(0x3b0), 5n)).toThrow('pmpaddr0 cannot hold 0x5');
    expect(() => setRegister(target, csr(0x3a0), 0n)).toThrow('pmpcfg0 cannot hold 0x0: it would hold 0x9f');
  });

  it('with all registers at once changes none of them', async () => {
    using session = await atMain();
    const { target } = session;
    const wire = await connect(target);
    const all = await wire.ask('g');
    const before = target.checkpoint().digests;
    const zeroSet = `01${all.slice(2, 16)}ff${all.slice(18)}`;
    expect(await wire.ask(`G${zeroSet}`)).toMatch(/^E/);
    const oddPc = `${all.slice(0, 16)}ff${all.slice(18, 16 * 32)}01${all.slice(16 * 32 + 2)}`;
    expect(await wire.ask(`G${oddPc}`)).toMatch(/^E/);
    expect(target.checkpoint().digests).toEqual(before);
    expect(await wire.ask(`G${all}`)).toBe('OK');
    expect(target.events()).toEqual([]);
  });
});

it('every register that can be written shows what was written', async () => {
  using session = await atMain();
  const { target } = session;
  for (const { name, number, bits } of target.description.features.flatMap(one => one.registers)) {
    for (const pattern of [0x5n, 0xa5a5_a5a4n, 0xffff_ffff_ffff_ffffn, 0n]) {
      const bytes = new Uint8Array(new BigUint64Array([pattern]).buffer).slice(0, bits / 8);
      const held = target.readRegister(0, number)!.slice();
      try {
        target.writeRegister(0, number, bytes);
        expect([name, ...target.readRegister(0, number)!]).toEqual([name, ...bytes]);
      } catch (error) {
        expect(error).toMatchObject({ name: 'TargetError' });
        expect([name, ...target.readRegister(0, number)!]).toEqual([name, ...held]);
      }
    }
  }
});
