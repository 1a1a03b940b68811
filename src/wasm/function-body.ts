import { ByteWriter } from './byte-writer.js';
import { MEMORY_OP, type MemoryOpName, OP, type OpName, VALUE_TYPE, type ValueType } from './opcodes.js';

/** A place a branch can go to: the nesting depth at which its block was opened. */
export type Label = number & { readonly brand?: 'label' };
/** Index of a local or parameter. */
export type Local = number & { readonly brand?: 'local' };

const BLOCK_EMPTY = 0x40;

/** One function under construction: its locals and instructions, with labels instead of branch depths. */
export class FunctionBody {
  readonly code = new ByteWriter(4096);
  readonly #localTypes: ValueType[] = [];
  #depth = 0;

  constructor(
    readonly parameters: readonly ValueType[],
    readonly results: readonly ValueType[],
  ) {}

  local(type: ValueType): Local {
    this.#localTypes.push(type);
    return this.parameters.length + this.#localTypes.length - 1;
  }

  op(name: OpName): this {
    this.code.byte(OP[name]);
    return this;
  }

  /** A load or store at (address on the stack) + offset. */
  memory(name: MemoryOpName, offset: number): this {
    this.code.byte(MEMORY_OP[name]);
    // Alignment is only a hint; 0 is always valid.
    this.code.byte(0);
    this.code.u32(offset);
    return this;
  }

  i32(value: number): this {
    this.code.byte(0x41);
    this.code.s32(value);
    return this;
  }

  i64(low: number, high: number): this {
    this.code.byte(0x42);
    this.code.s64(low, high);
    return this;
  }

  /** An i64 constant from an integer of at most 53 bits. */
  i64Number(value: number): this {
    return this.i64(value | 0, Math.floor(value / 2 ** 32));
  }

  get(local: Local): this {
    this.code.byte(0x20);
    this.code.u32(local);
    return this;
  }

  set(local: Local): this {
    this.code.byte(0x21);
    this.code.u32(local);
    return this;
  }

  tee(local: Local): this {
    this.code.byte(0x22);
    this.code.u32(local);
    return this;
  }

  call(functionIndex: number): this {
    this.code.byte(0x10);
    this.code.u32(functionIndex);
    return this;
  }

  /** Calls the function in table 0 whose index is on top of the stack. */
  callIndirect(type: number): this {
    this.code.byte(0x11);
    this.code.u32(type);
    this.code.byte(0x00);
    return this;
  }

  block(result?: ValueType): Label {
    return this.#open(0x02, result);
  }

  loop(result?: ValueType): Label {
    return this.#open(0x03, result);
  }

  if(result?: ValueType): Label {
    return this.#open(0x04, result);
  }

  else(): this {
    this.code.byte(0x05);
    return this;
  }

  end(): this {
    if (this.#depth === 0) throw new Error('end without an open block');
    this.#depth--;
    this.code.byte(0x0b);
    return this;
  }

  br(label: Label): this {
    this.code.byte(0x0c);
    this.code.u32(this.#depthTo(label));
    return this;
  }

  brIf(label: Label): this {
    this.code.byte(0x0d);
    this.code.u32(this.#depthTo(label));
    return this;
  }

  brTable(labels: readonly Label[], otherwise: Label): this {
    this.code.byte(0x0e);
    this.code.u32(labels.length);
    for (const label of labels) this.code.u32(this.#depthTo(label));
    this.code.u32(this.#depthTo(otherwise));
    return this;
  }

  /** The function's entry in the code section. */
  encode(): Uint8Array {
    if (this.#depth !== 0) throw new Error(`${this.#depth} blocks left open`);
    const out = new ByteWriter(this.code.length + 64);
    out.u32(this.#localTypes.length);
    for (const type of this.#localTypes) {
      out.u32(1);
      out.byte(VALUE_TYPE[type]);
    }
    out.append(this.code.view());
    out.byte(0x0b);
    return out.view();
  }

  #open(opcode: number, result: ValueType | undefined): Label {
    this.code.byte(opcode);
    this.code.byte(result === undefined ? BLOCK_EMPTY : VALUE_TYPE[result]);
    this.#depth++;
    return this.#depth;
  }

  #depthTo(label: Label): number {
    if (label < 1 || label > this.#depth) throw new Error('branch to a block that is not open');
    return this.#depth - label;
  }
}
