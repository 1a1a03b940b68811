import { ByteWriter } from './byte-writer.js';
import { FunctionBody } from './function-body.js';
import { VALUE_TYPE, type ValueType } from './opcodes.js';

const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
/** What 32-bit addresses reach. */
export const MOST_MEMORY_PAGES = 65536;
const FUNCTION_REFERENCE = 0x70;
/** Limits of a memory with a maximum that threads may share (threads proposal). */
const SHARED_LIMITS = 0x03;

/** Assembles a module: imports first, then functions; all of it refers to one imported memory. */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeBytes = new ByteWriter();
  readonly #imports = new ByteWriter();
  #importCount = 0;
  #importedFunctions = 0;
  readonly #functions: { readonly type: number; readonly body: FunctionBody }[] = [];
  readonly #exports: { readonly name: string; readonly index: number }[] = [];

  /** Imports the shared memory `module.name`, which has from `least` to `most` pages of 64 KiB. */
  importMemory(module: string, name: string, least: number, most = least): void {
    this.#imports.name(module);
    this.#imports.name(name);
    this.#imports.byte(0x02);
    this.#imports.byte(SHARED_LIMITS);
    this.#imports.u32(least);
    this.#imports.u32(most);
    this.#importCount++;
  }

  /** Imports the function table `module.name` with at least `entries` entries. */
  importTable(module: string, name: string, entries: number): void {
    this.#imports.name(module);
    this.#imports.name(name);
    this.#imports.byte(0x01);
    this.#imports.byte(FUNCTION_REFERENCE);
    this.#imports.byte(0x00);
    this.#imports.u32(entries);
    this.#importCount++;
  }

  /** Imports a function and returns its index. All imports come before the first function. */
  importFunction(
    module: string,
    name: string,
    parameters: readonly ValueType[],
    results: readonly ValueType[],
  ): number {
    if (this.#functions.length > 0) throw new Error('imports must come before functions');
    this.#imports.name(module);
    this.#imports.name(name);
    this.#imports.byte(0x00);
    this.#imports.u32(this.type(parameters, results));
    this.#importCount++;
    return this.#importedFunctions++;
  }

  /** Adds a function; its index is known at once, its body may be filled until `finish`. */
  function(
    parameters: readonly ValueType[],
    results: readonly ValueType[],
    exportName?: string,
  ): { readonly index: number; readonly body: FunctionBody } {
    const body = new FunctionBody(parameters, results);
    const index = this.#importedFunctions + this.#functions.length;
    this.#functions.push({ type: this.type(parameters, results), body });
    if (exportName !== undefined) this.#exports.push({ name: exportName, index });
    return { index, body };
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(65536);
    out.append(new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]));
    section(out, SECTION.type, this.#types.length, s => s.append(this.#typeBytes.view()));
    section(out, SECTION.import, this.#importCount, s => s.append(this.#imports.view()));
    section(out, SECTION.function, this.#functions.length, s => {
      for (const f of this.#functions) s.u32(f.type);
    });
    section(out, SECTION.export, this.#exports.length, s => {
      for (const e of this.#exports) {
        s.name(e.name);
        s.byte(0x00);
        s.u32(e.index);
      }
    });
    section(out, SECTION.code, this.#functions.length, s => {
      for (const f of this.#functions) {
        const code = f.body.encode();
        s.u32(code.length);
        s.append(code);
      }
    });
    return out.toBytes();
  }

  /** Index of a function type, for indirect calls. */
  type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters.join()}>${results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    this.#typeBytes.byte(0x60);
    for (const list of [parameters, results]) {
      this.#typeBytes.u32(list.length);
      for (const type of list) this.#typeBytes.byte(VALUE_TYPE[type]);
    }
    this.#types.push(key);
    return this.#types.length - 1;
  }
}

function section(out: ByteWriter, id: number, entries: number, fill: (section: ByteWriter) => void): void {
  const content = new ByteWriter(4096);
  content.u32(entries);
  fill(content);
  out.byte(id);
  out.u32(content.length);
  out.append(content.view());
}
