import { describe, expect, test } from 'vitest';
import { bootGuest, firmwareMissing, OPENSBI, U_BOOT } from '../support/guests.js';
import { digestsOf } from '../support/sessions.js';

const SECTORS = 4096;
const disk = {
  name: 'pattern',
  sectors: SECTORS,
  extents: [
    { offset: 0, bytes: Uint8Array.from({ length: SECTORS * 512 }, (_, i) => (i * 7 + (i >> 9)) & 0xff) },
  ],
};

/** Copies pieces of the disk about, then sums it up. */
const COMMANDS = [
  'virtio scan',
  'for i in 0 10 20 30 40 50 60 70 80; do virtio read 0x84000000 $i 8; virtio write 0x84000000 1$i 8; done',
  'virtio read 0x84000000 0 200; crc32 0x84000000 0x40000',
  'poweroff',
];

describe.skipIf(firmwareMissing !== undefined)(
  `snapshots in the middle of requests (${firmwareMissing ?? 'U-Boot'})`,
  () => {
    test.each(['legacy', 'modern'] as const)('lead to the same end, %s interface', async virtio => {
      const live = bootGuest(U_BOOT.supervisor, OPENSBI.dynamic, { config: { virtio }, disks: [disk] });
      const { session, console } = live;
      console.answer('autoboot', ' ');
      for (const command of COMMANDS) console.answer('\n=> ', `${command}\n`);
      // The boundaries right after a request was handed over, found on the first way through.
      const busy: number[] = [];
      const [device] = session.machine.board.plan.components.filter(({ name }) => name === 'disk0');
      const field = device.offset + device.layout.offsetOf('busy');
      while (session.status().powerOff === undefined) {
        const { icount } = session.status();
        await session.runToEnd({ maxIcount: icount + (console.text.includes('for i in') ? 1999 : 500_000) });
        if (session.machine.board.memory.stateBytes[field] !== 0) busy.push(session.status().icount);
        if (icount > 1e9) throw new Error('U-Boot does not end');
      }
      expect(console.text).toMatch(/crc32 for 84000000 ... 8403ffff ==> [0-9a-f]{8}/);
      expect(busy.length).toBeGreaterThan(3);
      const end = digestsOf(session);
      for (const icount of busy.slice(0, 6)) {
        await session.seek(icount);
        expect(session.machine.board.memory.stateBytes[field]).toBe(1);
        session.saveSnapshot('in a request');
        await session.seek('end');
        expect(digestsOf(session)).toEqual(end);
        await session.seek({ snapshot: 'in a request' });
        await session.seek('end');
        expect(digestsOf(session)).toEqual(end);
        session.deleteSnapshot('in a request');
      }
    });
  },
);
