import type { IrqLine, MmioDevice, OutputPort, TimerPort, VirtualClock } from '../ports/device.js';
import { bytes, count, defineState, u8, u16 } from '../state/layout.js';

const FIFO_BYTES = 16;
/** Input clock / 16 on QEMU's `virt`: what the divisor divides. */
const BAUD_BASE = 399_193;

const RBR_THR_DLL = 0;
const IER_DLM = 1;
const IIR_FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

const IER_RX_DATA = 0x01;
const IER_TX_EMPTY = 0x02;
const IER_LINE_STATUS = 0x04;

const IIR_NONE = 0x01;
const IIR_TX_EMPTY = 0x02;
const IIR_RX_DATA = 0x04;
const IIR_LINE_STATUS = 0x06;
const IIR_RX_TIMEOUT = 0x0c;
const IIR_FIFOS = 0xc0;

const FCR_ENABLE = 0x01;
const FCR_CLEAR_RX = 0x02;
const FCR_CLEAR_TX = 0x04;
const FCR_KEPT = 0xc9;
const RX_TRIGGER = [1, 4, 8, 14] as const;

const LCR_DLAB = 0x80;
const MCR_LOOPBACK = 0x10;

const LSR_DATA_READY = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_BREAK = 0x10;
const LSR_TX_EMPTY = 0x60;
const LSR_ERRORS = 0x1e;

/** Carrier, data set ready and clear to send: a line whose other end is always there. */
const MODEM_STATUS = 0xb0;

export const UART_STATE = defineState('uart16550', {
  /** Receiver buffer when the FIFOs are off. */
  rxBuffer: u8(),
  rxFifo: bytes(FIFO_BYTES),
  rxHead: u8(),
  rxCount: u8(),
  ier: u8(),
  fcr: u8(),
  lcr: u8(),
  mcr: u8(0x08),
  lsr: u8(LSR_TX_EMPTY),
  scr: u8(),
  divisor: u16(12),
  /** Transmitter-empty interrupt not yet taken: set by transmitting, cleared by reading IIR. */
  txEmptyPending: u8(),
  timeoutPending: u8(),
  /** Duration of one character in ns; 9600 baud until divisor or LCR is written. */
  characterNs: count(1_041_660),
});

export type UartState = ReturnType<(typeof UART_STATE)['bind']>;

export interface UartPorts {
  readonly irq: IrqLine;
  readonly output: OutputPort;
  readonly clock: VirtualClock;
  /** Character time-out; the device ignores its `onTimer` index. */
  readonly timer: TimerPort;
}

/**
 * 16550A UART with QEMU's behaviour: a byte written to THR is sent at once, so the transmitter is always
 * empty; the receive FIFO signals a time-out four character times after the last byte came or was read.
 */
export class Uart16550 implements MmioDevice {
  readonly access = { min: 1, max: 4 } as const;
  readonly width = 4;

  constructor(
    private readonly state: UartState,
    private readonly ports: UartPorts,
  ) {}

  /**
   * How many bytes the receiver takes now. With FIFOs on it stops at the trigger level, so that the guest is
   * interrupted for each trigger's worth; in loopback the line is cut off.
   */
  receiveRoom(): number {
    const { state } = this;
    if (state.mcr & MCR_LOOPBACK) return 0;
    if (!this.#fifosOn()) return state.lsr & LSR_DATA_READY ? 0 : 1;
    if (state.rxCount >= FIFO_BYTES) return 0;
    const trigger = this.#trigger();
    return state.rxCount <= trigger ? trigger - state.rxCount : 1;
  }

  /** One byte from the host; false, and nothing happens, when there is no room. */
  receive(byte: number): boolean {
    if (this.receiveRoom() === 0) return false;
    this.#shiftIn(byte);
    return true;
  }

  /** A received byte, taken as the guest's driver takes it; -1 when there is none. */
  takeReceived(): number {
    const { state } = this;
    if (!(state.lsr & LSR_DATA_READY)) return -1;
    const byte = this.#fifosOn() ? state.rxFifo[state.rxHead] : state.rxBuffer;
    this.#takeReceived();
    return byte;
  }

  read(offset: number, _size: number): number {
    const { state } = this;
    const value = this.peek(offset, 1);
    switch (offset) {
      case RBR_THR_DLL:
        if (!(state.lcr & LCR_DLAB)) this.#takeReceived();
        break;
      case IIR_FCR:
        if ((value & 0x06) === IIR_TX_EMPTY) {
          state.txEmptyPending = 0;
          this.#updateIrq();
        }
        break;
      case LSR:
        if (value & (LSR_BREAK | LSR_OVERRUN)) {
          state.lsr &= ~(LSR_BREAK | LSR_OVERRUN);
          this.#updateIrq();
        }
        break;
    }
    return value;
  }

  peek(offset: number, _size: number): number {
    const { state } = this;
    const divisorShown = (state.lcr & LCR_DLAB) !== 0;
    switch (offset) {
      case RBR_THR_DLL:
        if (divisorShown) return state.divisor & 0xff;
        if (!this.#fifosOn()) return state.rxBuffer;
        return state.rxCount > 0 ? state.rxFifo[state.rxHead] : 0;
      case IER_DLM:
        return divisorShown ? state.divisor >> 8 : state.ier;
      case IIR_FCR:
        return this.#interrupt() | (this.#fifosOn() ? IIR_FIFOS : 0);
      case LCR:
        return state.lcr;
      case MCR:
        return state.mcr;
      case LSR:
        return state.lsr;
      case MSR:
        return state.mcr & MCR_LOOPBACK ? loopbackModemStatus(state.mcr) : MODEM_STATUS;
      case SCR:
        return state.scr;
      default:
        return 0;
    }
  }

  write(offset: number, _size: number, wide: number): void {
    const { state } = this;
    const value = wide & 0xff;
    const divisorShown = (state.lcr & LCR_DLAB) !== 0;
    switch (offset) {
      case RBR_THR_DLL:
        if (divisorShown) this.#setDivisor((state.divisor & 0xff00) | value);
        else this.#transmit(value);
        break;
      case IER_DLM:
        if (divisorShown) this.#setDivisor((state.divisor & 0xff) | (value << 8));
        else this.#setInterruptEnable(value & 0x0f);
        break;
      case IIR_FCR:
        this.#setFifoControl(value);
        break;
      case LCR:
        state.lcr = value;
        this.#updateCharacterTime();
        break;
      case MCR:
        state.mcr = value & 0x1f;
        break;
      case SCR:
        state.scr = value;
        break;
    }
  }

  onTimer(_index: number): void {
    if (this.state.rxCount === 0) return;
    this.state.timeoutPending = 1;
    this.#updateIrq();
  }

  #fifosOn(): boolean {
    return (this.state.fcr & FCR_ENABLE) !== 0;
  }

  #trigger(): number {
    return RX_TRIGGER[this.state.fcr >> 6];
  }

  #transmit(byte: number): void {
    if (this.state.mcr & MCR_LOOPBACK) this.#shiftIn(byte);
    else this.ports.output.write(byte);
    this.state.txEmptyPending = 1;
    this.#updateIrq();
  }

  #shiftIn(byte: number): void {
    const { state } = this;
    if (!this.#fifosOn()) {
      if (state.lsr & LSR_DATA_READY) state.lsr |= LSR_OVERRUN;
      state.rxBuffer = byte;
    } else {
      // An overrun loses the new byte, not the FIFO's.
      if (state.rxCount === FIFO_BYTES) state.lsr |= LSR_OVERRUN;
      else state.rxFifo[(state.rxHead + state.rxCount++) % FIFO_BYTES] = byte;
      this.#armTimeout();
    }
    state.lsr |= LSR_DATA_READY;
    this.#updateIrq();
  }

  #takeReceived(): void {
    const { state } = this;
    if (this.#fifosOn()) {
      if (state.rxCount > 0) {
        state.rxHead = (state.rxHead + 1) % FIFO_BYTES;
        state.rxCount--;
      }
      state.timeoutPending = 0;
      if (state.rxCount > 0) this.#armTimeout();
      else this.#disarmTimeout();
    }
    if (!this.#fifosOn() || state.rxCount === 0) state.lsr &= ~(LSR_DATA_READY | LSR_BREAK);
    this.#updateIrq();
  }

  #setInterruptEnable(value: number): void {
    const changed = this.state.ier ^ value;
    this.state.ier = value;
    // Enabling the interrupt with an empty transmitter raises it, even if IIR was read before.
    if (changed & IER_TX_EMPTY) this.state.txEmptyPending = value & IER_TX_EMPTY ? 1 : 0;
    if (changed !== 0) this.#updateIrq();
  }

  #setFifoControl(value: number): void {
    const { state } = this;
    const toggled = ((value ^ state.fcr) & FCR_ENABLE) !== 0;
    if (toggled || value & FCR_CLEAR_RX) {
      state.rxHead = 0;
      state.rxCount = 0;
      state.timeoutPending = 0;
      state.lsr &= ~(LSR_DATA_READY | LSR_BREAK);
      this.#disarmTimeout();
    }
    if (toggled || value & FCR_CLEAR_TX) state.txEmptyPending = 1;
    state.fcr = value & FCR_KEPT;
    this.#updateIrq();
  }

  #setDivisor(divisor: number): void {
    this.state.divisor = divisor;
    this.#updateCharacterTime();
  }

  /** In single precision, as QEMU computes it, so that time-outs fall on the same nanosecond. */
  #updateCharacterTime(): void {
    const { lcr, divisor } = this.state;
    const dataBits = (lcr & 3) + 5;
    const stopBits = lcr & 0x04 ? 2 : 1;
    const parityBits = lcr & 0x08 ? 1 : 0;
    const frameBits = 1 + dataBits + parityBits + stopBits;
    const baud = divisor === 0 ? 3500 : Math.fround(BAUD_BASE / divisor);
    this.state.characterNs = Math.trunc(Math.fround(Math.fround(1e9 / baud) * frameBits));
  }

  #armTimeout(): void {
    this.ports.timer.arm(this.ports.clock.nowNs() + 4 * this.state.characterNs);
  }

  #disarmTimeout(): void {
    this.ports.timer.arm(Number.POSITIVE_INFINITY);
  }

  /** Interrupt identification by priority: a function of the rest of the state. */
  #interrupt(): number {
    const { ier, lsr, rxCount, timeoutPending, txEmptyPending } = this.state;
    if (ier & IER_LINE_STATUS && lsr & LSR_ERRORS) return IIR_LINE_STATUS;
    if (ier & IER_RX_DATA && timeoutPending) return IIR_RX_TIMEOUT;
    const ready = lsr & LSR_DATA_READY && (!this.#fifosOn() || rxCount >= this.#trigger());
    if (ier & IER_RX_DATA && ready) return IIR_RX_DATA;
    if (ier & IER_TX_EMPTY && txEmptyPending) return IIR_TX_EMPTY;
    return IIR_NONE;
  }

  #updateIrq(): void {
    this.ports.irq.set(this.#interrupt() !== IIR_NONE);
  }
}

/** Loopback ties DTR to DSR, RTS to CTS, OUT1 to RI and OUT2 to DCD. */
function loopbackModemStatus(mcr: number): number {
  return ((mcr & 0x0c) << 4) | ((mcr & 0x02) << 3) | ((mcr & 0x01) << 5);
}
