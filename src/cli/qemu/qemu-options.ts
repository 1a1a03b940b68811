/** QEMU's options, one row each: what follows it, what it means here, or why it is refused. Parser and help follow. */
import { carryDevice } from './qemu-devices.js';
import { type QemuLine, QemuValue, refuse } from './qemu-line.js';

export interface QemuOption {
  readonly names: readonly string[];
  /** What follows it; absent: nothing. */
  readonly value?: string;
  /** What it means here, for help. */
  readonly meaning: string;
  /** Our option that does the same. */
  readonly ours?: string;
  carry(line: QemuLine, value: string): void;
}

const carried = (
  names: string,
  value: string,
  ours: string,
  carry: QemuOption['carry'],
  meaning = ours,
): QemuOption => ({
  names: names.split(' '),
  ...(value === '' ? {} : { value }),
  meaning,
  ours,
  carry,
});

const plain = (names: string, value: string, ours: string): QemuOption =>
  carried(names, value, ours, (line, given) => line.add(ours, given));

/** The guest sees no difference. */
const silent = (names: string, value = ''): QemuOption => ({
  names: names.split(' '),
  ...(value === '' ? {} : { value }),
  meaning: 'accepted: the guest sees no difference',
  carry() {},
});

const refused = (names: string, value: string, why: string): QemuOption => ({
  names: names.split(' '),
  ...(value === '' ? {} : { value }),
  meaning: `refused: ${why}`,
  carry(_line, given) {
    refuse(value === '' ? names.split(' ')[0] : `${names.split(' ')[0]} ${given}`, why);
  },
});

export const QEMU_OPTIONS: readonly QemuOption[] = [
  carried('-kernel', 'file', '--kernel', (line, file) => {
    line.kernel = file;
  }),
  carried('-bios', 'file', '--bios', (line, file) => {
    line.bios = file;
  }),
  plain('-initrd', 'file', '--initrd'),
  plain('-append', 'text', '--append'),
  carried('-m', 'size', '--memory', memory),
  carried('-smp', 'n', '--smp', harts),
  carried('-M -machine', 'virt', '--machine', machine),
  carried('-cpu', 'cpu', '--cpu', (line, cpu) => {
    line.cpu = cpu;
  }),
  carried(
    '-s',
    '',
    '--gdb',
    line => {
      line.gdb = '127.0.0.1:1234';
    },
    'serve --gdb 127.0.0.1:1234, which waits for the debugger',
  ),
  carried(
    '-S',
    '',
    'serve',
    line => {
      line.halted = true;
    },
    'serve, which always begins halted',
  ),
  carried('-gdb', 'tcp:[host]:port', '--gdb', gdb, 'serve --gdb'),
  carried(
    '-drive',
    'file=F,id=I',
    '--disk',
    drive,
    '--disk, through -device virtio-blk-device; never written',
  ),
  carried('-netdev', 'user,id=I', '--net', network, '--net, through -device virtio-net-device'),
  carried(
    '-device',
    'name',
    '--disk, --net, --rng, --input, --virtio-console, --sound, --load',
    (line, text) => carryDevice(line, new QemuValue('-device', text, 'driver')),
  ),
  carried('-chardev', 'stdio,id=I', '--serial', channel, 'what -serial chardev:I and virtconsole name'),
  carried('-serial', 'where', '--serial', (line, text) => {
    line.later.push(() => line.add('--serial', serial(line, text)));
  }),
  carried('-icount', 'shift=N', '--icount', icount),
  carried(
    '-semihosting',
    '',
    '--semihosting',
    line => line.add('--semihosting=.'),
    '--semihosting=. (files of the current folder only)',
  ),
  carried('-semihosting-config', 'enable=on', '--semihosting', semihosting),
  carried('-rtc', 'base=utc', '--rtc', rtc),
  carried('-global', 'virtio-mmio.force-legacy=false', '--virtio', global),
  silent('-nographic'),
  silent('-display -vga -audiodev', 'kind'),
  silent('-monitor -mon -qmp -name -d -D -trace -dfilter -pidfile -msg -sandbox -overcommit', 'what'),
  silent('-vnc -parallel -k -uuid', 'what'),
  silent('-no-reboot -no-shutdown -nodefaults -no-user-config -only-migratable -singlestep'),
  silent('-object', 'rng-random,id=I'),
  {
    ...silent('-net -nic', 'none'),
    carry: (_line, given) =>
      given === 'none' ? undefined : refuse(`-net ${given}`, 'give -netdev and -device virtio-net-device'),
  },
  {
    ...silent('-accel', 'tcg'),
    carry: (_line, given) =>
      given.startsWith('tcg') ? undefined : refuse(`-accel ${given}`, 'there is one engine'),
  },
  refused('-dtb', 'file', 'the device tree follows from the machine'),
  refused('-pflash', 'file', 'there is no flash here'),
  refused('-hda -hdb -sd -cdrom -fda', 'file', 'give -drive with if=none and -device virtio-blk-device'),
  refused('-enable-kvm', '', 'there is one engine'),
  refused('-fw_cfg', 'name', 'there is no fw_cfg device here'),
  refused('-loadvm -incoming', 'tag', 'a recording is gone on from: backstub record RECORDING --at end'),
  refused('-virtfs -fsdev -usbdevice -boot', 'value', 'there is no such device here'),
  refused('-daemonize', '', 'run it in the background'),
];

function memory(line: QemuLine, text: string): void {
  const value = new QemuValue('-m', text, 'size');
  value.drop('slots', 'maxmem');
  value.refuseRest();
  line.add('--memory', /^\d+$/.test(value.first) ? `${value.first}M` : value.first.replace(/B$/i, ''));
}

function harts(line: QemuLine, text: string): void {
  const value = new QemuValue('-smp', text, 'cpus');
  const product = ['sockets', 'clusters', 'cores', 'threads'].reduce(
    (all, name) => all * Number(value.take(name) ?? 1),
    1,
  );
  value.drop('maxcpus', 'dies');
  value.refuseRest();
  line.add('--smp', value.first === '' ? String(product) : value.first);
}

function machine(line: QemuLine, text: string): void {
  const value = new QemuValue('-machine', text, 'type');
  if (value.first !== 'virt') refuse(`-machine ${value.first}`, 'the board is virt');
  value.drop('accel', 'graphics', 'mem-merge', 'dump-guest-core', 'usb', 'acpi');
  if ((value.take('aclint') ?? 'off') === 'on') line.add('--machine', 'virt,aclint=on');
  if ((value.take('aia') ?? 'none') !== 'none') refuse('-machine virt,aia', 'the board is without');
  value.refuseRest();
}

function gdb(line: QemuLine, text: string): void {
  const match = /^tcp:([^:,]*):(\d+)/.exec(text);
  if (match === null) refuse(`-gdb ${text}`, 'give tcp:HOST:PORT');
  line.gdb = `${match[1] || '127.0.0.1'}:${match[2]}`;
}

function drive(line: QemuLine, text: string): void {
  const value = new QemuValue('-drive', text);
  const [file, kind, id] = [value.take('file'), value.take('if'), value.take('id')];
  // The board names no interface of its own: by itself a drive is for the -device that names it.
  if (kind !== undefined && kind !== 'none')
    refuse(
      `-drive if=${kind}`,
      kind === 'pflash'
        ? 'there is no flash here'
        : 'that is a PCI disk there: give if=none and -device virtio-blk-device',
    );
  if (file === undefined || id === undefined) refuse(`-drive ${text}`, 'file= and id= are needed');
  if (value.take('snapshot') !== 'on')
    line.notices.add(`${file} is not written: the guest's writes stay in the machine`);
  const format = value.take('format');
  value.drop('media', 'cache', 'aio', 'discard', 'index', 'unit', 'werror', 'rerror', 'detect-zeroes');
  value.refuseRest();
  line.drives.set(id, { file, format });
}

function network(line: QemuLine, text: string): void {
  const value = new QemuValue('-netdev', text, 'type');
  const id = value.take('id') ?? refuse(`-netdev ${text}`, 'it has no id=');
  if (value.first === 'user') {
    const forwards = value.takeAll('hostfwd').map(forward => `,hostfwd=${forward}`);
    const restrict = value.take('restrict');
    line.networks.set(
      id,
      `user${restrict === undefined ? '' : `,restrict=${/^(on|y|yes)$/.test(restrict) ? 'on' : 'off'}`}${forwards.join('')}`,
    );
  } else if (value.first === 'socket') {
    const [listen, connect] = [value.take('listen'), value.take('connect')];
    if ((listen ?? connect) === undefined) refuse(`-netdev ${text}`, 'listen= or connect= is needed');
    line.networks.set(id, listen === undefined ? `socket:connect=${connect}` : `socket:listen=${listen}`);
  } else refuse(`-netdev ${value.first}`, 'user and socket are carried');
  value.refuseRest();
}

function channel(line: QemuLine, text: string): void {
  const value = new QemuValue('-chardev', text, 'backend');
  const id = value.take('id') ?? refuse(`-chardev ${text}`, 'it has no id=');
  const path = value.take('path');
  value.drop('mux', 'signal');
  if (value.first === 'file' && path !== undefined) line.channels.set(id, `file:${path}`);
  else if (['stdio', 'null', 'pty'].includes(value.first)) line.channels.set(id, value.first);
  else refuse(`-chardev ${value.first}`, 'stdio, null, pty and file are carried');
  value.refuseRest();
}

function serial(line: QemuLine, text: string): string {
  const where = text.replace(/^mon:/, '');
  if (where === 'none') return 'null';
  if (where.startsWith('chardev:')) {
    const id = where.slice('chardev:'.length);
    return line.channels.get(id) ?? refuse(`-serial ${text}`, 'no -chardev has that id');
  }
  if (where.includes(',server')) refuse(`-serial ${text}`, 'a console connects, it does not listen');
  return where.replace(/,(nowait|wait=off|server=off)$/, '');
}

function icount(line: QemuLine, text: string): void {
  const value = new QemuValue('-icount', text, 'shift');
  value.drop('align', 'sleep');
  if (!/^\d+$/.test(value.first)) refuse(`-icount ${text}`, 'give shift=N');
  value.refuseRest();
  line.add('--icount', `shift=${value.first}`);
}

function semihosting(line: QemuLine, text: string): void {
  const value = new QemuValue('-semihosting-config', text, 'enable');
  const args = value.takeAll('arg').slice(1);
  value.drop('target', 'userspace');
  value.refuseRest();
  line.add(value.first === 'off' ? '--no-semihosting' : '--semihosting=.');
  if (args.length > 0) line.add('--args', args.join(' '));
}

function rtc(line: QemuLine, text: string): void {
  const value = new QemuValue('-rtc', text);
  const base = value.take('base');
  value.drop('driftfix', 'clock');
  value.refuseRest();
  if (base === undefined) return;
  if (base !== 'utc') refuse(`-rtc base=${base}`, 'base=utc is carried');
  line.add('--rtc', 'host');
}

function global(line: QemuLine, text: string): void {
  const match = /^virtio-mmio\.force-legacy=(\w+)$/.exec(text);
  if (match === null) refuse(`-global ${text}`);
  if (/^(false|off|no)$/.test(match[1])) line.add('--virtio', 'modern');
}

/** The row of an option, in both spellings: `-m` and `--m`. */
export const qemuOption = (word: string): QemuOption | undefined => {
  const name = word.replace(/^--/, '-');
  return QEMU_OPTIONS.find(({ names }) => names.includes(name));
};
