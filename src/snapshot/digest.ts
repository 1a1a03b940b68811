import type { GuestMemory } from '../memory/guest-memory.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { StatePlan } from '../state/layout.js';
import type { FunctionBody, Local } from '../wasm/function-body.js';
import { ModuleBuilder } from '../wasm/module-builder.js';

type HashFunction = (address: number, length: number, seed: number) => void;

/**
 * Digests of a machine: 64 bits for each component of its declared state and for its memory.
 * They find differences between runs of our own; they are no defence against a forger.
 * Memory is the sum of one hash a page, so that only pages written since the last digest are hashed.
 */
export class MachineDigest {
  readonly #hash: HashFunction;
  /** Contribution of each page, as two words. A page of zeros contributes zero. */
  readonly #pageHashes: Uint32Array;
  #low = 0;
  #high = 0;

  constructor(
    readonly memory: GuestMemory,
    readonly plan: StatePlan,
  ) {
    this.#hash = buildHash(memory);
    this.#pageHashes = new Uint32Array(2 * memory.pageCount);
  }

  /** The digest of every component and of `ram`, as 16 hex digits each. */
  compute(): Record<string, string> {
    const digests: Record<string, string> = {};
    for (const { name, layout, offset } of this.plan.components) {
      this.#hash(this.memory.plan.state + offset, layout.byteLength, 1);
      digests[name] = this.#mailboxHex();
    }
    digests.ram = this.#memoryDigest();
    return digests;
  }

  #memoryDigest(): string {
    const { memory } = this;
    const mailbox = memory.plan.mailbox >> 2;
    memory.sinceDigest.drain(page => {
      this.#hash(memory.hostAddressOfPage(page), PAGE_BYTES, page + 1);
      const low = memory.u32[mailbox];
      const high = memory.u32[mailbox + 1];
      const at = 2 * page;
      this.#add(low, high, this.#pageHashes[at], this.#pageHashes[at + 1]);
      this.#pageHashes[at] = low;
      this.#pageHashes[at + 1] = high;
    });
    memory.startEpoch();
    return hex(this.#low, this.#high);
  }

  /** sum += new - old, modulo 2^64. */
  #add(low: number, high: number, oldLow: number, oldHigh: number): void {
    const sum = this.#low + low - oldLow;
    const carry = Math.floor(sum / 2 ** 32);
    this.#low = sum >>> 0;
    this.#high = (this.#high + high - oldHigh + carry) >>> 0;
  }

  #mailboxHex(): string {
    const mailbox = this.memory.plan.mailbox >> 2;
    return hex(this.memory.u32[mailbox], this.memory.u32[mailbox + 1]);
  }
}

const hex = (low: number, high: number) =>
  high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');

const LANES = 4;
/** Odd constants with well-spread bits (fractions of the golden ratio and of square roots of primes). */
const MULTIPLIER = [0x7f4a7c15, 0x9e3779b9] as const;
const FINISHER = [0xb492b66f, 0x6a09e667 | 1] as const;

/**
 * hash(address, length, seed): leaves a 64-bit hash of `length` bytes (a multiple of 8) in the mailbox; zero
 * when all bytes are zero. Four lanes of multiply and rotate keep the multiplier busy.
 */
function buildHash(memory: GuestMemory): HashFunction {
  const builder = new ModuleBuilder();
  builder.importMemory('host', 'memory', memory.plan.wasmPages);
  const { body } = builder.function(['i32', 'i32', 'i32'], [], 'hash');
  emitHash(body, memory.plan.mailbox);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.finish()), {
    host: { memory: memory.memory },
  });
  return instance.exports.hash as HashFunction;
}

function emitHash(f: FunctionBody, mailbox: number): void {
  const [address, length, seed]: Local[] = [0, 1, 2];
  const lanes = Array.from({ length: LANES }, () => f.local('i64'));
  const word = f.local('i64');
  const any = f.local('i64');
  const end = f.local('i32');
  const wideEnd = f.local('i32');
  const absorb = (lane: Local, offset: number) => {
    f.get(address).memory('i64_load', offset).tee(word);
    f.get(any).op('i64_or').set(any);
    f.get(lane)
      .get(word)
      .op('i64_xor')
      .i64(29, 0)
      .op('i64_rotl')
      .i64(...MULTIPLIER)
      .op('i64_mul')
      .set(lane);
  };
  for (const lane of lanes) {
    f.get(seed)
      .op('i64_extend_i32_u')
      .i64(lane + 1, 0x1234567)
      .op('i64_add')
      .set(lane);
  }
  f.get(address).get(length).op('i32_add').set(end);
  f.get(address)
    .get(length)
    .i32(-8 * LANES)
    .op('i32_and')
    .op('i32_add')
    .set(wideEnd);
  const wideDone = f.block();
  const wide = f.loop();
  f.get(address).get(wideEnd).op('i32_ge_u').brIf(wideDone);
  for (const [index, lane] of lanes.entries()) absorb(lane, 8 * index);
  f.get(address)
    .i32(8 * LANES)
    .op('i32_add')
    .set(address)
    .br(wide);
  f.end().end();
  const tailDone = f.block();
  const tail = f.loop();
  f.get(address).get(end).op('i32_ge_u').brIf(tailDone);
  absorb(lanes[0], 0);
  f.get(address).i32(8).op('i32_add').set(address).br(tail);
  f.end().end();
  f.get(lanes[0]);
  for (const lane of lanes.slice(1)) {
    f.i64(31, 0)
      .op('i64_rotl')
      .i64(...FINISHER)
      .op('i64_mul')
      .get(lane)
      .op('i64_xor');
  }
  f.tee(word)
    .get(word)
    .i64(32, 0)
    .op('i64_shr_u')
    .op('i64_xor')
    .i64(...MULTIPLIER)
    .op('i64_mul')
    .set(word);
  f.i32(0);
  f.get(word).i64(0, 0).get(any).op('i64_eqz').op('i32_eqz').op('select');
  f.memory('i64_store', mailbox);
}
