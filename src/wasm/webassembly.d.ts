/** The part of the WebAssembly JavaScript interface that backstub uses; lib.dom would bring the whole browser. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(
      module: Module,
      imports: Record<string, Record<string, Memory | ((...args: number[]) => number | void)>>,
    );
    readonly exports: Record<string, unknown>;
  }
}
