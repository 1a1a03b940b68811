import { expect, test } from 'vitest';
import { parseNet } from '../../src/cli/values.js';

const GUEST = 0x0a00_020f;

test('networks that can be named', () => {
  expect(parseNet('none')).toEqual({ kind: 'none' });
  expect(parseNet('user')).toEqual({ kind: 'user', forwards: [], restricted: false });
  expect(parseNet('user,hostfwd=tcp::2222-:22,hostfwd=udp:0.0.0.0:69-10.0.2.16:70')).toEqual({
    kind: 'user',
    restricted: false,
    forwards: [
      { protocol: 'tcp', host: '127.0.0.1', port: 2222, guest: GUEST, guestPort: 22 },
      { protocol: 'udp', host: '0.0.0.0', port: 69, guest: GUEST + 1, guestPort: 70 },
    ],
  });
  expect(parseNet('user,restrict=on,hostfwd=tcp::22-:22')).toMatchObject({
    restricted: true,
    forwards: [{ port: 22 }],
  });
  expect(parseNet('user,restrict=on,restrict=off')).toMatchObject({ restricted: false });
  expect(parseNet('socket:listen=:1234')).toEqual({ kind: 'listen', host: '127.0.0.1', port: 1234 });
  expect(parseNet('socket:connect=10.0.0.1:1234')).toEqual({ kind: 'connect', host: '10.0.0.1', port: 1234 });
});

test.each([
  ['tap', 'Allowed: user'],
  ['user,hostfwd=tcp::99999-:22', 'hostfwd=tcp:[HOST]:PORT-[GUEST]:PORT is needed'],
  ['user,hostfwd=tcp::22-:0', 'hostfwd=tcp:[HOST]:PORT-[GUEST]:PORT is needed'],
  ['user,hostfwd=tcp::22-300.1.1.1:22', 'hostfwd=tcp:[HOST]:PORT-[GUEST]:PORT is needed'],
  ['user,restrict=maybe', 'restrict=on or restrict=off is needed, not restrict=maybe'],
  ['user,guestfwd=x', 'hostfwd=tcp:[HOST]:PORT-[GUEST]:PORT is needed, not guestfwd=x'],
  ['socket:listen=here', 'HOST:PORT is needed'],
])('%s is refused', (text, message) => {
  expect(() => parseNet(text)).toThrow(message);
});
