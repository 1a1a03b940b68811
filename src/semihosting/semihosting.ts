import type { Scheduler } from '../machine/scheduler.js';
import type { SemihostingCaller } from '../machine/semihosting-caller.js';
import type { InputPorts } from '../ports/device.js';
import { ERRNO, type SemihostingCallRequest } from '../ports/semihosting-host.js';
import { Call, type Outcome, type SemihostingCall, type SemihostingPorts } from './call.js';
import { callOf } from './calls.js';
import { Handles } from './handles.js';
import { type SemihostingState, WAITS_FOR } from './state.js';

type SemihostingInput = InputPorts['semihosting'];
type Answer = Parameters<SemihostingInput['answer']>[0];

/** Answers the calls of harts: at once, when something was typed, or when the host has said its part. */
export class Semihosting implements SemihostingInput {
  readonly #handles: Handles;
  #callers: readonly SemihostingCaller[] = [];

  constructor(
    private readonly state: SemihostingState,
    private readonly ports: SemihostingPorts,
    private readonly scheduler: Scheduler,
  ) {
    this.#handles = new Handles(state);
    ports.typed.tellOfTyped(() => this.#typed());
  }

  /** Harts, by number. */
  connect(callers: readonly SemihostingCaller[]): void {
    this.#callers = callers;
  }

  /** A hart makes a call, in the middle of its step. */
  call(hart: number): void {
    const { operation } = this.#callers[hart];
    const row = callOf.get(operation);
    this.state.calls[hart] = row === undefined ? 0 : operation;
    this.#finish(hart, this.#run(hart, row));
    this.scheduler.endRun();
  }

  get wanted(): boolean {
    return this.state.waits.includes(WAITS_FOR.host);
  }

  request(): SemihostingCallRequest {
    const hart = this.state.waits.indexOf(WAITS_FOR.host);
    const { call, row } = this.#underWay(hart);
    const request = row !== undefined && call.load(row.fields) ? row.request?.(call) : undefined;
    return { hart, call: this.state.calls[hart], ...(request && { request }) };
  }

  answer(answer: Answer): void {
    const { hart, errno } = answer;
    const { call, row } = this.#underWay(hart);
    if (row === undefined || !call.load(row.fields)) this.#finish(hart, call.fault());
    else if (errno !== 0) this.#finish(hart, call.fail(errno, row.failed?.(call)));
    else this.#finish(hart, row.answered?.(call, answer) ?? call.fail(ERRNO.notImplemented));
  }

  refusal({ hart, call }: Answer): string | undefined {
    if (this.state.waits[hart] !== WAITS_FOR.host) return `hart ${hart} waits for no file of the host`;
    const made = this.state.calls[hart];
    return made === call ? undefined : `hart ${hart} has made call 0x${made.toString(16)}`;
  }

  #run(hart: number, row: SemihostingCall | undefined): Outcome {
    const call = this.#callOf(hart);
    if (row === undefined) return call.fail(ERRNO.notImplemented);
    return call.load(row.fields) ? row.run(call) : call.fault();
  }

  #typed(): void {
    const { waits } = this.state;
    for (let hart = 0; hart < waits.length; hart++) {
      if (waits[hart] !== WAITS_FOR.input) continue;
      const outcome = this.#run(hart, callOf.get(this.state.calls[hart]));
      if (outcome !== 'input') this.#finish(hart, outcome);
    }
  }

  #finish(hart: number, outcome: Outcome): void {
    const caller = this.#callers[hart];
    const { waits, calls } = this.state;
    if (outcome === 'off') return;
    if (outcome === 'host' || outcome === 'input') {
      waits[hart] = WAITS_FOR[outcome];
      caller.wait();
      return;
    }
    waits[hart] = WAITS_FOR.nothing;
    calls[hart] = 0;
    caller.finish(typeof outcome === 'number' ? wordOf(outcome) : outcome);
  }

  /** The call that a hart sleeps at; without a row in a state that somebody made up. */
  #underWay(hart: number): { readonly call: Call; readonly row: SemihostingCall | undefined } {
    return { call: this.#callOf(hart), row: callOf.get(this.state.calls[hart]) };
  }

  #callOf(hart: number): Call {
    return new Call(this.#callers[hart], this.ports, this.state, this.#handles);
  }
}

/** An integer in two's complement. */
const wordOf = (value: number) => ({ low: value >>> 0, high: Math.floor(value / 2 ** 32) >>> 0 });
