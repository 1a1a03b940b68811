import type { Local } from '../wasm/function-body.js';
import { ACCESS_FLAG, CONTROL, ENTRY, LIST_STORES, mailboxEnd, TLB_TABLE } from './engine-layout.js';
import { type HostPlace, type LoadExpression, loadOperation } from './expression-emitter.js';
import type { AccessKind, AccessSize, Expression, RegisterFile } from './expressions.js';
import { InterpreterFrame } from './interpreter-frame.js';
import { emitReservedAt } from './reserved-place.js';
import type { Statement } from './semantics.js';
import { emitFlaggedStore, emitPageFlag } from './watched-stores.js';

/**
 * How the interpreter reaches memory: through the software TLB, or by the host, which does the special instructions,
 * too.
 */
export abstract class InterpreterAccess extends InterpreterFrame {
  /** Names of the system operations met so far, by number. */
  readonly systemOperations: string[] = [];

  // Memory.

  load(node: LoadExpression): void {
    const { f } = this;
    const va = this.scratch(this.x);
    this.expression(node.address);
    f.set(va);
    this.loadAddress(va, node.size, ACCESS_FLAG[node.access]);
    if (node.access === 'reserved') emitReservedAt(f, this.plan, this.host, node.size);
    f.get(this.host).memory(loadOperation(this.wasmType(node.type), node.size, node.signed), 0);
    this.release(this.x, va);
  }

  /** Sets `host` to where the bytes at va can be loaded, or leaves. */
  protected loadAddress(va: Local, size: AccessSize, flags: number): void {
    const { f } = this;
    const entry = this.scratch('i32');
    this.tlbEntry(va, this.dataTlb);
    f.tee(entry).memory(`${this.x}_load`, TLB_TABLE.load);
    this.pageOf(va, size);
    f.op(`${this.x}_eq`).if();
    this.addValueOf(entry, va, TLB_TABLE.load);
    f.set(this.host);
    f.else();
    this.callAccess(this.imports.load, size | flags, va);
    f.end();
    this.release('i32', entry);
  }

  protected storePlace(address: Expression, size: AccessSize, access: AccessKind): HostPlace {
    const va = this.scratch(this.x);
    this.expression(address);
    this.f.set(va);
    this.resolveStore(va, size, ACCESS_FLAG[access]);
    this.release(this.x, va);
    return { local: this.host, offset: 0 };
  }

  protected releasePlace(): void {}

  protected stored(): void {
    const { f } = this;
    f.get(this.host).i32(mailboxEnd(this.plan)).op('i32_lt_u').if();
    f.call(this.imports.commit);
    this.reload(this.n, CONTROL.budget);
    f.end();
  }

  /** Sets `host` to where the bytes at va can be stored, or leaves. */
  protected resolveStore(va: Local, size: AccessSize, flags: number): void {
    const { f, plan } = this;
    const entry = this.scratch('i32');
    const flag = this.scratch('i32');
    const done = f.block();
    const slow = f.block();
    this.tlbEntry(va, this.dataTlb);
    f.tee(entry).memory(`${this.x}_load`, TLB_TABLE.store);
    this.pageOf(va, size);
    f.op(`${this.x}_ne`).brIf(slow);
    this.addValueOf(entry, va, TLB_TABLE.store);
    f.set(this.host);
    emitPageFlag(f, plan, this.host, 0);
    f.tee(flag).op('i32_eqz').brIf(done);
    const address = () => f.get(va);
    emitFlaggedStore(f, this.x, plan, { flag, host: this.host, bias: 0, address });
    f.op('i32_eqz').brIf(done);
    f.end();
    this.callAccess(this.imports.store, size | flags, va);
    f.end();
    this.release('i32', flag);
    this.release('i32', entry);
  }

  protected callAccess(hostFunction: number, access: number, va: Local): void {
    const { f } = this;
    this.sync();
    f.i32(access);
    this.words(va);
    f.call(hostFunction).set(this.host);
    this.reload(this.n, CONTROL.budget);
    f.get(this.host).op('i32_eqz').brIf(this.exitHost);
  }

  protected list({ direction, file, size, address }: Extract<Statement, { kind: 'list' }>): void {
    const { f } = this;
    const base = this.scratch(this.x);
    this.expression(address);
    f.set(base);
    this.sync();
    f.i32(size | (direction === 'store' ? LIST_STORES : 0)).i32(file.offset);
    this.immediateBits();
    this.words(base);
    f.call(this.imports.list);
    this.reload(this.n, CONTROL.budget);
    f.op('i32_eqz').brIf(this.exitHost);
    this.release(this.x, base);
  }

  // Special instructions.

  readonly knownImmediate = undefined;

  get table(): number {
    return this.plan.isaTable;
  }

  immediateBits(): void {
    this.f.get(this.ip).memory('i32_load16_u', ENTRY.immediate16);
  }

  operandNumbers(): void {
    this.f.get(this.ip).memory('i32_load8_u', ENTRY.first);
    this.f.get(this.ip).memory('i32_load8_u', ENTRY.result);
  }

  resultOf(file: RegisterFile, inline: (leaveIf: () => void) => void, host: () => void): void {
    const { f } = this;
    const done = f.block();
    const byHost = f.block();
    this.registerAddress('result');
    inline(() => void f.brIf(byHost));
    f.memory(`${this.x}_store`, file.offset).br(done);
    f.end();
    this.sync();
    host();
    f.call(this.imports.special);
    this.reload(this.n, CONTROL.budget);
    this.reload(this.dataTlb, CONTROL.dataTlb);
    f.op('i32_eqz').brIf(this.exitHost);
    this.registerAddress('result');
    f.i32(0).memory(`${this.x}_load`, this.plan.mailbox).memory(`${this.x}_store`, file.offset);
    f.end();
  }

  protected systemNumber(operation: string): number {
    const known = this.systemOperations.indexOf(operation);
    return known >= 0 ? known : this.systemOperations.push(operation) - 1;
  }
}
