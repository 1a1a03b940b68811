import type { Local } from '../wasm/function-body.js';
import { ACCESS_FLAG, CONTROL, CSR_OPERATION, ENTRY, mailboxEnd, TLB_TABLE } from './engine-layout.js';
import { InterpreterFrame } from './interpreter-frame.js';
import { emitPlainCsr, fieldsInTable } from './plain-csr.js';
import { emitReservedAt } from './reserved-place.js';
import type { AccessSize, Expression, Variable } from './semantics.js';
import { loadOperation, storeOperation } from './semantics-emitter.js';
import { emitFlaggedStore, emitPageFlag } from './watched-stores.js';

/** How the interpreter reaches memory, through the software TLB or by the host; and CSRs, by itself where they are plain. */
export abstract class InterpreterAccess extends InterpreterFrame {
  /** Names of the system operations met so far, by number. */
  readonly systemOperations: string[] = [];

  // Memory.

  load(node: Extract<Expression, { kind: 'load' }>): void {
    const { f } = this;
    const va = this.scratch(this.x);
    this.expression(node.address);
    f.set(va);
    this.loadAddress(va, node.size, 0);
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

  protected store(size: AccessSize, address: Expression, value: Expression): void {
    const { f } = this;
    const va = this.scratch(this.x);
    this.expression(address);
    f.set(va);
    this.resolveStore(va, size, 0);
    f.get(this.host);
    this.expression(value);
    f.memory(storeOperation(this.wasmType(value.type), size), 0);
    f.get(this.host).i32(mailboxEnd(this.plan)).op('i32_lt_u').if();
    f.call(this.imports.commit);
    this.reload(this.n, CONTROL.budget);
    f.end();
    this.release(this.x, va);
  }

  protected storeAddress(size: 4 | 8, flags: number): void {
    const va = this.scratch(this.x);
    this.register('rs1');
    this.f.set(va);
    this.resolveStore(va, size, flags);
    this.release(this.x, va);
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

  protected loadReserved(size: 4 | 8): void {
    const { f } = this;
    const va = this.scratch(this.x);
    this.register('rs1');
    f.set(va);
    this.loadAddress(va, size, ACCESS_FLAG.reserved);
    f.get(this.hart).get(va).memory(`${this.x}_store`, this.offsets.reservedAddress);
    emitReservedAt(f, this.plan, this.host, size);
    f.get(this.hart)
      .get(this.host)
      .memory(loadOperation(this.x, size, true), 0);
    f.memory(`${this.x}_store`, this.offsets.reservedValue);
    this.resultAddress();
    f.get(this.hart).memory(`${this.x}_load`, this.offsets.reservedValue);
    f.memory(`${this.x}_store`, this.offsets.x);
    this.release(this.x, va);
  }

  protected storeConditional(size: 4 | 8): void {
    const { f } = this;
    const va = this.scratch(this.x);
    const failed = this.scratch('i32');
    this.register('rs1');
    f.set(va);
    f.i32(1).set(failed);
    f.get(va).get(this.hart).memory(`${this.x}_load`, this.offsets.reservedAddress).op(`${this.x}_eq`).if();
    this.resolveStore(va, size, ACCESS_FLAG.conditional);
    f.get(this.host).memory(loadOperation(this.x, size, true), 0);
    f.get(this.hart).memory(`${this.x}_load`, this.offsets.reservedValue).op(`${this.x}_eq`).if();
    f.get(this.host);
    this.register('rs2');
    f.memory(storeOperation(this.x, size), 0);
    f.i32(0).set(failed);
    f.end();
    f.end();
    f.get(this.hart);
    this.constant('x', -1);
    f.memory(`${this.x}_store`, this.offsets.reservedAddress);
    this.resultAddress();
    f.get(failed);
    if (this.x === 'i64') f.op('i64_extend_i32_u');
    f.memory(`${this.x}_store`, this.offsets.x);
    this.release('i32', failed);
    this.release(this.x, va);
  }

  /** rd = old value; memory = update(old). */
  protected atomic(size: 4 | 8, variable: Variable, update: Expression): void {
    const { f } = this;
    const type = size === 4 ? 'i32' : 'i64';
    const old = this.scratch(type);
    this.storeAddress(size, ACCESS_FLAG.atomic);
    f.get(this.host).memory(`${type}_load`, 0).set(old);
    this.bindVariable(variable, old);
    f.get(this.host);
    this.expression(update);
    f.memory(`${type}_store`, 0);
    this.resultAddress();
    f.get(old);
    if (type === 'i32' && this.x === 'i64') f.op('i64_extend_i32_s');
    f.memory(`${this.x}_store`, this.offsets.x);
    this.release(type, old);
  }

  protected csr(operation: keyof typeof CSR_OPERATION, source: 'register' | 'immediate'): void {
    const { f } = this;
    const value = this.scratch(this.x);
    if (source === 'register') {
      this.register('rs1');
    } else {
      f.get(this.ip).memory('i32_load8_u', ENTRY.rs1).i32(3).op('i32_shr_u');
      if (this.x === 'i64') f.op('i64_extend_i32_u');
    }
    f.set(value);
    const done = f.block();
    const byHost = f.block();
    const leaveIf = () => void f.brIf(byHost);
    this.resultAddress();
    f.set(this.host);
    f.get(this.ip).memory('i32_load16_u', ENTRY.immediate16);
    const fields = fieldsInTable(this, this.plan.csrTable, leaveIf);
    const { hart } = this;
    f.get(this.host);
    emitPlainCsr(this, this.offsets, { fields, operation, operand: value, hart, leaveIf });
    f.memory(`${this.x}_store`, this.offsets.x).br(done);
    f.end();
    this.sync();
    f.get(this.ip).memory('i32_load16_u', ENTRY.immediate16);
    f.i32(CSR_OPERATION[operation]);
    f.get(this.ip).memory('i32_load8_u', ENTRY.rs1);
    f.get(this.ip).memory('i32_load8_u', ENTRY.rd);
    this.words(value);
    f.call(this.imports.csr);
    this.reload(this.n, CONTROL.budget);
    this.reload(this.dataTlb, CONTROL.dataTlb);
    f.op('i32_eqz').brIf(this.exitHost);
    this.resultAddress();
    f.i32(0).memory(`${this.x}_load`, this.plan.mailbox).memory(`${this.x}_store`, this.offsets.x);
    f.end();
    this.release(this.x, value);
  }

  protected systemNumber(operation: string): number {
    const known = this.systemOperations.indexOf(operation);
    return known >= 0 ? known : this.systemOperations.push(operation) - 1;
  }
}
