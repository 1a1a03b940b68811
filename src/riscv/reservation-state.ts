import { bytes, defineState, words } from '../state/layout.js';

export const reservationState = (harts: number) =>
  defineState('reservations', {
    /**
     * What each hart's last LR read: where, counted from the start of RAM, and how many bytes; none: it was a device.
     */
    offset: words(harts),
    size: bytes(harts),
  });
