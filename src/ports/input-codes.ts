/** Event types and codes of Linux's input layer, which the device speaks (virtio 1.2, section 5.8). */
export const INPUT_TYPE = { sync: 0, key: 1, relative: 2, absolute: 3, led: 0x11, repeat: 0x14 } as const;
export const INPUT_AXIS = { x: 0, y: 1, wheel: 8 } as const;
/** Absolute axes go from 0 to this. */
export const ABSOLUTE_MAX = 0x7fff;
