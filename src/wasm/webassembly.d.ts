/** The part of the WebAssembly JavaScript interface that backstub uses; lib.dom would bring the whole browser. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared: true });
    readonly buffer: SharedArrayBuffer;
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
    set(index: number, value: unknown): void;
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(
      module: Module,
      imports: Record<string, Record<string, Memory | Table | ((...args: number[]) => unknown)>>,
    );
    readonly exports: Record<string, unknown>;
  }
}
