// What clients send to a gdb port, as bytes: what gdb and lldb say, with any arguments, and what nobody should say.

const REGION = 0x8000_0000;
const RAM_BYTES = 128 << 20;

const hex = text => Buffer.from(text, 'latin1').toString('hex');

/** A frame around a body that is escaped already. */
export function frame(body) {
  const bytes = Buffer.from(body, 'latin1');
  const sum = bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
  return Buffer.concat([Buffer.from('$'), bytes, Buffer.from(`#${sum.toString(16).padStart(2, '0')}`)]);
}

const escaped = bytes =>
  Buffer.from(bytes)
    .toString('latin1')
    .replace(/[#$}*]/g, one => `}${String.fromCharCode(one.charCodeAt(0) ^ 0x20)}`);

/** Packets that let the machine go on for as long as nothing stops it. */
const isResume = body => /^(vCont;|c|C|s|S|bc|bs|R|vRun)/.test(body);

export class GdbClient {
  constructor(random, symbols) {
    this.random = random;
    this.symbols = symbols;
  }

  /** Bytes of one packet with whatever goes before and behind it. */
  next() {
    const { random } = this;
    if (random.chance(0.03))
      return Buffer.from(
        random.pick([
          '+',
          '-',
          '\x03',
          '++',
          '-+',
          '\x03\x03',
          '$',
          '#',
          '$#',
          '$g#00',
          '$zz',
          '\xff\x00',
          '$m#\x03',
        ]),
        'latin1',
      );
    const body = this.#body();
    let bytes = frame(body);
    if (random.chance(0.08)) bytes = this.#mutated(bytes);
    // gdb interrupts what runs; what it stops is not known beforehand.
    if (isResume(body) ? random.chance(0.8) : random.chance(0.02))
      bytes = Buffer.concat([bytes, Buffer.from('\x03')]);
    return bytes;
  }

  #body() {
    const { random } = this;
    const roll = random.next();
    if (roll < 0.55) return random.pick(this.#valid)();
    if (roll < 0.75) return `qRcmd,${hex(random.pick(this.#monitor)())}`;
    if (roll < 0.9) return random.pick(this.#hostile)();
    return escaped(Array.from({ length: random.below(60) }, () => random.below(256)));
  }

  #mutated(bytes) {
    const { random } = this;
    const copy = Buffer.from(bytes);
    switch (random.below(4)) {
      case 0:
        copy[random.below(copy.length)] = random.below(256);
        return copy;
      case 1:
        return copy.subarray(0, random.below(copy.length));
      case 2:
        return Buffer.concat([copy, copy.subarray(random.below(copy.length))]);
      default: {
        const at = random.below(copy.length);
        return Buffer.concat([copy.subarray(0, at), Buffer.from([random.below(256)]), copy.subarray(at)]);
      }
    }
  }

  #address() {
    const { random } = this;
    const roll = random.next();
    if (roll < 0.5) return (random.pick(this.symbols) + random.below(64)).toString(16);
    if (roll < 0.8) return (REGION + random.below(RAM_BYTES)).toString(16);
    if (roll < 0.9)
      return random.pick(['0', '1000', '10000000', '2004000', 'c000000', '7ffffffe', '88000000', '87fffffc']);
    return random.pick([
      'ffffffffffffffff',
      'fffffffffffffffc',
      '8000000000000000',
      '100000000',
      '80000000000000000',
      '-1',
      '',
    ]);
  }

  #size() {
    const { random } = this;
    return random.chance(0.9)
      ? random.below(0x200).toString(16)
      : random.pick(['0', '1000', '8000000', 'ffffffff', 'ffffffffffffffff', '-8']);
  }

  #thread() {
    return this.random.pick(['0', '1', '2', '3', '-1', 'p1.1', 'p1.-1', 'ffffffff', '']);
  }

  #bytes(most) {
    return Array.from({ length: this.random.below(most) }, () => this.random.below(256));
  }

  get #icount() {
    return () =>
      this.random.pick([
        () => `${this.random.below(1e6)}`,
        () => '0',
        () => '-1',
        () => '1e99',
        () => '9007199254740993',
        () => 'end',
        () => 'start',
      ])();
  }

  get #valid() {
    const { random } = this;
    const hexBytes = most => Buffer.from(this.#bytes(most)).toString('hex');
    return [
      () => 'g',
      () => '?',
      () => `G${hexBytes(300)}`,
      () => `p${random.below(5000).toString(16)}`,
      () => `P${random.below(5000).toString(16)}=${hexBytes(9)}`,
      () => `m${this.#address()},${this.#size()}`,
      () => `x${this.#address()},${this.#size()}`,
      () => {
        const bytes = Buffer.from(this.#bytes(40));
        return `M${this.#address()},${bytes.length.toString(16)}:${bytes.toString('hex')}`;
      },
      () => {
        const bytes = this.#bytes(40);
        return `X${this.#address()},${bytes.length.toString(16)}:${escaped(bytes)}`;
      },
      () => `Z${random.below(6)},${this.#address()},${random.pick(['2', '4', '8', '1', '1000'])}`,
      () => `Z0,${this.#address()},4;X${random.below(20).toString(16)},${hexBytes(20)}`,
      () => `Z1,${this.#address()},4;cmds:${random.below(2)},X3,220127`,
      () => `z${random.below(6)},${this.#address()},${random.pick(['2', '4', '8', '1', '1000'])}`,
      () =>
        random.pick([
          'c',
          's',
          'bc',
          'bs',
          'bc',
          'bs',
          'vCont;c',
          'vCont;s:1',
          'vCont;s:1;c',
          'vCont;c:1;s:2',
          'C05',
          'S05',
        ]),
      () => `vCont;r${this.#address()},${this.#address()}:1`,
      () => `c${this.#address()}`,
      () => random.pick(['R00', 'vRun;', `vRun;;${hex(this.#icount())}`]),
      () => random.pick(['Hg', 'Hc']) + this.#thread(),
      () => `T${this.#thread()}`,
      () =>
        random.pick([
          'qC',
          'qfThreadInfo',
          'qsThreadInfo',
          'qAttached',
          'vCont?',
          'qOffsets',
          'qSymbol::',
          'qTStatus',
          'vMustReplyEmpty',
          '!',
          'QStartNoAckMode',
        ]),
      () => `qThreadExtraInfo,${this.#thread()}`,
      () =>
        `qXfer:${random.pick(['features:read:target.xml', 'memory-map:read:', 'threads:read:', 'auxv:read:', 'features:read:x'])}:${this.#size()},${this.#size()}`,
      () => `qCRC:${this.#address()},${this.#size()}`,
      () => `qSearch:memory:${this.#address()};${this.#size()};${escaped(this.#bytes(12))}`,
      () => 'qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;vContSupported+;error-message+',
      // What lldb asks.
      () =>
        random.pick([
          'qHostInfo',
          'qProcessInfo',
          'qRegisterInfo0',
          'jThreadsInfo',
          'QThreadSuffixSupported',
          'qVAttachOrWaitSupported',
          'QListThreadsInStopReply',
          'qStructuredDataPlugins',
          'vFile:setfsid:0',
          'qShlibInfoAddr',
          'jGetSharedCacheInfo:{}]',
        ]),
      () => `qMemoryRegionInfo:${this.#address()}`,
      () => random.pick(['D', 'D;1', 'vKill;1', 'vAttach;1']),
    ];
  }

  get #monitor() {
    const { random } = this;
    const place = () => random.pick(['ticks', 'on_tick', 'main', 'nothing', '0x80000000', '1 +', '*(int*)0']);
    return [
      () =>
        random.pick([
          'help',
          'info replay',
          'info registers',
          'info mtree',
          'icount',
          'events',
          'snapshot list',
          'branch list',
          'irq-history',
          'reset',
          '',
        ]),
      () => `goto ${this.#icount()}`,
      () => `replay_seek ${this.#icount()}`,
      () => `replay_break ${this.#icount()}`,
      () => 'replay_delete_break',
      () => `set step-over-interrupts ${random.pick(['on', 'off', 'maybe'])}`,
      () => `snapshot ${random.pick(['save', 'delete'])} ${random.pick(['a', 'b', '../c', 'x'.repeat(300)])}`,
      () =>
        `branch ${random.pick(['switch', 'drop'])} ${random.pick(['main', 'branch1', 'branch2', 'nothing'])}`,
      () =>
        `history save ${random.pick(['part.bst', '/etc/passwd', '../up.bst', '.hidden.bst', 'no-such/x.bst'])}`,
      () =>
        `${random.pick(['last-write', 'writes', 'first-exec'])} ${place()} ${random.pick(['', '4', '60000000', '-1'])}`,
      () => `who-printed ${random.pick(['tick', 'never', '"'])}`,
      () => `type ${random.pick(['hello\\n', '\\x', 'x'.repeat(500)])}`,
      () =>
        `watch-condition ${random.pick(['write', 'x'])} ${place()} ${random.below(9)} ticks > ${random.below(900)}`,
      () => random.pick(['sendkey a', 'mouse_move 1 1', 'tablet_move 70000 -1', 'sendkey \u0001']),
    ];
  }

  get #hostile() {
    const { random } = this;
    return [
      () => `m0,${'f'.repeat(1 + random.below(40))}`,
      () => `vCont;${'s:1;'.repeat(random.below(1500))}c`,
      () => `Z0,${this.#address()},4${';X1,27'.repeat(random.below(200))}`,
      () => `qRcmd,${'6'.repeat(random.below(4001))}`,
      () => `qSearch:memory:80000000;8000000;${escaped(this.#bytes(40))}`,
      () => 'qCRC:80000000,8000000',
      () => 'mffffffffffffffff,ffffffffffffffff',
      () => `X${this.#address()},ffffffff:a`,
      () => `g${' '.repeat(random.below(5000))}`,
      () => `m*${String.fromCharCode(29 + random.below(90))},4`,
      () => `qXfer:threads:read:../../etc/passwd:0,10`,
      () => `T${'9'.repeat(random.below(100))}`,
    ];
  }
}
