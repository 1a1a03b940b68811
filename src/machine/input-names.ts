/** What the outside needs to know of input devices: their numbers and the names of keys. */
export { ABSOLUTE_MAX, INPUT_AXIS, INPUT_TYPE } from '../devices/virtio/input.js';
export { BUTTON_CODES, KEY_CODES } from '../ports/key-codes.js';
