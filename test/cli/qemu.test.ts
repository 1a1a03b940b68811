import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findOpenSbi } from '../../src/assembly/opensbi.js';
import { MACHINE_OPTIONS } from '../../src/cli/machine-options.js';
import { GDB_OPTIONS } from '../../src/cli/options.js';
import { QEMU_OPTIONS } from '../../src/cli/qemu/qemu-options.js';
import { translate } from '../../src/cli/qemu/translate.js';
import { hasQemu } from '../devices/qtest.js';
import { backstub, lastLine } from './backstub.js';

const line = (text: string) => translate(text.split(' ')).words.join(' ');
const Q64 = 'qemu-system-riscv64';

describe('a QEMU command line means', () => {
  test.each([
    [
      `${Q64} -machine virt -bios none -kernel kernel/kernel -m 128M -smp 3 -nographic -global virtio-mmio.force-legacy=false -drive file=fs.img,if=none,format=raw,id=x0 -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0`,
      'run kernel/kernel --bios none --cpu rv64 --memory 128M --smp 3 --virtio modern --disk fs.img,format=raw,slot=0',
    ],
    [
      '/opt/bin/qemu-system-riscv32 --machine virt --bios default --nographic --serial mon:stdio --no-reboot --device virtio-blk-device,drive=d,bus=virtio-mmio-bus.0 --drive id=d,file=a,,b.txt,format=raw,if=none,snapshot=on --kernel kernel.elf',
      'run kernel.elf --bios default --cpu rv32 --serial stdio --disk a,,b.txt,format=raw,slot=0',
    ],
    [
      `${Q64} -M virt -m 512 -kernel Image -initrd i.gz -append console=ttyS0 -netdev user,id=n,hostfwd=tcp::2222-:22 -device virtio-net-device,netdev=n -device virtio-rng-device,bus=virtio-mmio-bus.3 -device virtio-keyboard-device -device virtio-tablet-device,bus=virtio-mmio-bus.1`,
      'run Image --bios default --cpu rv64 --memory 512M --initrd i.gz --append console=ttyS0 --rng=slot=3 --net user,hostfwd=tcp::2222-:22 --input keyboard,tablet,slot=1',
    ],
    [
      `${Q64} -M virt -bios none -kernel a.elf -s -S -icount shift=1,sleep=off -smp cores=2,threads=2`,
      'serve a.elf --bios none --cpu rv64 --icount shift=1 --smp 4 --gdb 127.0.0.1:1234',
    ],
    [
      `${Q64} -M virt -bios fw.bin -cpu max -gdb tcp::99 -device loader,file=b.bin,addr=0x80610000,force-raw=on -device loader,file=c.elf -semihosting-config enable=on,target=native,arg=p,arg=x`,
      'serve fw.bin --bios none --cpu max --load b.bin@0x80610000 --load c.elf --semihosting=. --args x --gdb 127.0.0.1:99',
    ],
    [
      `${Q64} -M virt -bios none -kernel a.elf -chardev file,id=c,path=o.txt -device virtio-serial-device -device virtconsole,chardev=c -serial chardev:c -rtc base=utc`,
      'run a.elf --bios none --cpu rv64 --rtc host --virtio-console file:o.txt --serial file:o.txt',
    ],
    [
      // FreeRTOS' demo, as its README runs it.
      'qemu-system-riscv32 -nographic -machine virt -net none -chardev stdio,id=con,mux=on -serial chardev:con -mon chardev=con,mode=readline -bios none -smp 4 -kernel ./build/gcc/output/RTOSDemo.elf',
      'run ./build/gcc/output/RTOSDemo.elf --bios none --cpu rv32 --smp 4 --serial stdio',
    ],
    [
      `${Q64} -machine virt -m 2G -smp 4 -kernel Image -append root=/dev/vda -drive file=d.img,format=raw,id=hd0 -device virtio-blk-device,drive=hd0 -object rng-random,filename=/dev/urandom,id=r -device virtio-rng-device,rng=r`,
      'run Image --bios default --cpu rv64 --memory 2G --smp 4 --append root=/dev/vda --rng --disk d.img,format=raw',
    ],
  ])('%s', (theirs, ours) => {
    expect(line(theirs)).toBe(ours);
  });

  test.skipIf(!hasQemu())('OpenSBI alone, where nothing else is named', () => {
    expect(line(`${Q64} -M virt`)).toBe(`run ${findOpenSbi(64)} --bios none --cpu rv64`);
  });

  test('says once that a disk is not written, unless that was asked for', () => {
    const given = (more: string) =>
      translate(
        `${Q64} -kernel k -drive file=d.img,if=none,id=d${more} -device virtio-blk-device,drive=d`.split(' '),
      ).notices;
    expect(given('')).toEqual(["d.img is not written: the guest's writes stay in the machine"]);
    expect(given(',snapshot=on')).toEqual([]);
  });
});

describe('what cannot be carried is refused by name', () => {
  test.each([
    ['-device virtio-blk-pci,drive=d', 'there is no PCI bus here'],
    [
      '-device virtio-gpu-device',
      '-device virtio-gpu-device cannot be carried: carried are virtio-blk-device',
    ],
    ['-device virtio-rng-device,packed=on', '-device virtio-rng-device,packed=on cannot be carried'],
    ['-device virtio-rng-device,bus=pcie.0', 'bus=pcie.0 cannot be carried'],
    ['-device virtio-blk-device,drive=d', 'drive=d cannot be carried: no -drive has that id'],
    ['-drive if=pflash,file=f', 'there is no flash here'],
    ['-drive file=f,if=virtio,id=x', '-drive if=virtio cannot be carried: that is a PCI disk there'],
    ['-drive file=f', 'file= and id= are needed'],
    ['-machine virt,aia=aplic', '-machine virt,aia cannot be carried'],
    ['-machine sifive_u', 'the board is virt'],
    ['-netdev tap,id=n', 'user and socket are carried'],
    ['-icount auto', 'give shift=N'],
    ['-dtb x.dtb', '-dtb x.dtb cannot be carried: the device tree follows from the machine'],
    ['-frobnicate', '-frobnicate cannot be carried: it is not known here'],
    ['disk.img', 'disk.img cannot be carried'],
    ['-m', '-m needs a value'],
  ])('%s', (more, message) => {
    expect(() => line(`${Q64} -M virt -kernel k ${more}`)).toThrow(message);
  });

  test('and so is another program', () => {
    expect(() => line('qemu-system-arm -M virt')).toThrow('qemu-system-arm is not qemu-system-riscv64');
  });
});

test('each row names options of ours that there are', () => {
  const flags = Object.values({ ...MACHINE_OPTIONS, ...GDB_OPTIONS }).map(one => one.flags.split(' ')[0]);
  const named = QEMU_OPTIONS.flatMap(({ ours = '' }) => ours.split(', ')).filter(one => one.startsWith('--'));
  expect(named.filter(one => !flags.includes(one))).toEqual([]);
  const names = QEMU_OPTIONS.flatMap(one => one.names);
  expect(new Set(names).size).toBe(names.length);
});

describe('on the command line', () => {
  let folder: string;
  const DEMO = 'fixtures/rv64/demo.elf';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'backstub-qemu-'));
    writeFileSync(join(folder, 'd.img'), new Uint8Array(4096));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('it is printed, run and recorded', async () => {
    const given = ['qemu-system-riscv64', '-M', 'virt', '-nographic', '-bios', 'none', '-kernel', DEMO];
    expect(await backstub('qemu', '--print', ...given)).toEqual({
      code: 0,
      stdout: `backstub run ${DEMO} --bios none --cpu rv64\n`,
      stderr: '',
    });
    const run = join(folder, 'run.bst');
    const ran = await backstub('qemu', '--record', run, ...given);
    expect(ran.stdout).toContain('weather station');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(`backstub: backstub record -o ${run} ${DEMO} --bios none --cpu rv64\n`);
    expect((await backstub('verify', run)).code).toBe(0);
    const help = await backstub('qemu', '--help');
    for (const { names } of QEMU_OPTIONS) expect(help.stdout).toContain(`  ${names.join(', ')}`);
  });

  test.each([
    ['-m', 'is --memory'],
    ['-bios', 'is --bios'],
    ['-smp', 'is --smp'],
    ['-nographic', 'has no counterpart'],
  ])("QEMU's %s among ours is told what it is here", async (theirs, ours) => {
    const ended = await backstub('run', DEMO, theirs, '4');
    expect(ended.code).toBe(2);
    expect(lastLine(ended.stderr)).toContain(`(QEMU's ${ours} here; backstub qemu takes`);
  });
});
