/**
 * The first instructions of OpenSBI and Linux, beside QEMU: every register and the CSRs that QEMU logs, compared after
 * every instruction.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildMachine } from '../../src/boards/build-machine.js';
import type { BootImage } from '../../src/ports/config.js';
import { CpuLog, logArguments } from '../lockstep/cpu-log.js';
import { LogFollower } from '../lockstep/log-follower.js';
import { bootGuest, firmwareMissing, linuxKernel, OPENSBI, QEMU_CPU } from '../support/guests.js';
import { QemuMachine, qemuAvailable } from '../support/qemu.js';
import { toTargetHex } from '../support/rsp-client.js';

const FULL = process.env.BACKSTUB_FULL !== undefined;
/** OpenSBI takes some ten million before it comes to the kernel. */
const FIRMWARE_INSTRUCTIONS = FULL ? 3_000_000 : 100_000;
const KERNEL_INSTRUCTIONS = Number(process.env.BACKSTUB_KERNEL_INSTRUCTIONS ?? (FULL ? 10_000_000 : 200_000));
const APPEND = 'console=ttyS0 work=1';
/** Where OpenSBI's fw_dynamic is told to find the kernel. */
const KERNEL_START = 0x8020_0000;

const up = linuxKernel('up');
const missing =
  firmwareMissing ??
  qemuAvailable() ??
  (up === undefined ? 'no kernel: npm run test:full builds it, or set BACKSTUB_LINUX' : undefined);

/**
 * The address of the first of `csrw satp` and `csrrw(i) satp, 0`: there the kernel finds out which tables there are.
 * QEMU 7.2 has Sv57 and cannot do without it, our harts have up to Sv48.
 */
function probeOfPaging(image: Uint8Array): number {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const found: number[] = [];
  for (let at = 0; at + 8 <= image.length; at += 2) {
    const first = view.getUint32(at, true);
    const second = view.getUint32(at + 4, true);
    if ((first & 0xfff0_7fff) === 0x1800_1073 && (second & 0xffff_b07f) === 0x1800_1073) found.push(at);
  }
  expect(found).toHaveLength(1);
  return KERNEL_START + found[0]!;
}

async function readMemory({ client }: QemuMachine, address: number, bytes: number): Promise<Buffer> {
  const parts: string[] = [];
  for (let at = 0; at < bytes; at += 1024) {
    const length = Math.min(1024, bytes - at);
    parts.push(await client.demand(`m${(address + at).toString(16)},${length.toString(16)}`));
  }
  return Buffer.from(parts.join(''), 'hex');
}

/** Lets QEMU run; at `probe`, the first time, it goes on behind the instruction. Ends with QEMU. */
async function runPast({ client }: QemuMachine, probe: number): Promise<void> {
  // QEMU lets nobody write registers who has not read their description.
  await client.targetRegisters();
  const point = `0,${probe.toString(16)},4`;
  await client.demand(`Z${point}`);
  const stop = await client.request('c');
  if (!stop.startsWith('T05')) throw new Error(`QEMU answered '${stop}' when it should have stopped`);
  await client.demand(`z${point}`);
  await client.demand(`P20=${toTargetHex(BigInt(probe + 4), 64)}`);
  await client.request('c');
}

/** Follows QEMU from reset, or with a filter where the firmware runs unseen. */
async function follow(instructions: number, kernelOnly: boolean): Promise<LogFollower> {
  const image = up?.image ?? '';
  const { session } = bootGuest(image, OPENSBI.dynamic, { config: { append: APPEND, icountShift: 0 } });
  const { config, images } = session.source;
  const tree = images.find(({ name }) => name === 'device tree');
  if (tree === undefined) throw new Error('the machine has no device tree');
  await using log = await CpuLog.create();
  const treePath = `${log.folder}/tree`;
  writeFileSync(treePath, tree.bytes);
  await using qemu = await QemuMachine.start({
    xlen: 64,
    cpu: QEMU_CPU,
    args: ['-bios', OPENSBI.dynamic, '-kernel', image, '-append', APPEND, '-dtb', treePath].concat(
      ['-icount', 'shift=3'],
      logArguments(log.path, kernelOnly),
    ),
  });
  // QEMU packs a tree in its own way, and its size is what the firmware sees first.
  const size = (await readMemory(qemu, tree.address, 8)).readUInt32BE(4);
  const theirs = new Uint8Array(await readMemory(qemu, tree.address, size));
  const sameTree = (one: BootImage): BootImage => (one === tree ? { ...one, bytes: theirs } : one);
  const machine = buildMachine(config, images.map(sameTree), { serial: { write: () => {} } });

  const probe = probeOfPaging(new Uint8Array(readFileSync(image)));
  let enough = false;
  const ended = runPast(qemu, probe).catch((error: unknown) => {
    if (enough) return;
    log.stream.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  let follower: LogFollower | undefined;
  for await (const records of log.records()) {
    follower ??= new LogFollower(machine, log, probe, kernelOnly);
    for (const record of records) {
      const differing = follower.follow(record);
      expect(differing).toEqual([]);
      enough = follower.instructions >= instructions;
      if (enough) break;
    }
    if (enough) break;
  }
  await qemu[Symbol.asyncDispose]();
  await ended;
  if (follower === undefined) throw new Error('QEMU logged nothing');
  return follower;
}

describe.skipIf(missing !== undefined)(`OpenSBI and Linux beside QEMU (${missing ?? 'built'})`, () => {
  const timeout = FULL ? 1_200_000 : 120_000;

  test(`the first ${FIRMWARE_INSTRUCTIONS} instructions from reset`, { timeout }, async () => {
    const { instructions } = await follow(FIRMWARE_INSTRUCTIONS, false);
    expect(instructions).toBe(FIRMWARE_INSTRUCTIONS);
  });

  test(`the first ${KERNEL_INSTRUCTIONS} instructions of the kernel`, { timeout }, async () => {
    const { instructions, resynchronised } = await follow(KERNEL_INSTRUCTIONS, true);
    expect(instructions).toBe(KERNEL_INSTRUCTIONS);
    expect([...resynchronised.keys()].map(({ what }) => what)).toContain('satp');
  });
});
