/** Linux: boot-image-header.rst in its documentation, "magic2". */
const MAGIC_AT = 56;
const MAGIC = [0x52, 0x53, 0x43, 0x05];

/** Whether a raw image is a Linux kernel. */
export const isLinuxImage = (bytes: Uint8Array): boolean =>
  MAGIC.every((byte, i) => bytes[MAGIC_AT + i] === byte);
