/** The part of binary-parser that backstub uses: the package names no types for `import`. */
declare module 'binary-parser' {
  export class Parser<Fields extends string = never> {
    endianness(order: 'little' | 'big'): this;
    skip(bytes: number): this;
    uint8<Name extends string>(name: Name): Parser<Fields | Name>;
    uint16<Name extends string>(name: Name): Parser<Fields | Name>;
    uint32<Name extends string>(name: Name): Parser<Fields | Name>;
    /** Throws RangeError when the bytes end too early. */
    parse(bytes: Uint8Array): Record<Fields, number>;
  }
}
