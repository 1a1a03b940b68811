/**
 * Recognizes streams of other protocols, so that no web page and no stray client drives the machine. A browser can be
 * made to send requests to any port, with packets in the body or in a header; it cannot help sending lines.
 */

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const HTTP = [0x48, 0x54, 0x54, 0x50, 0x2f]; // HTTP/
/** Bytes between two frames; a line that drops a few is no debugger's fault. */
const MOST_NOISE = 64;
/** Beginnings of packets that carry bytes as they are, up to where those begin. */
const BEFORE_DATA = /^(X[0-9a-fA-F]+,[0-9a-fA-F]+:|qSearch:memory:[0-9a-fA-F]+;[0-9a-fA-F]+;)$/;
const LONGEST_BEFORE_DATA = 64;
const COLON = 0x3a;
const SEMICOLON = 0x3b;

export class ForeignStream {
  /** What it looks like. */
  name = 'lines of text';
  /** Whether the frame at hand has line ends outside of binary data. */
  lines = false;
  private noiseLength = 0;
  private matched = 0;
  private sawHttp = false;
  /** The frame's text as long as binary data may yet begin in it; undefined afterwards. */
  private head: string | undefined;
  private binary = false;

  /** A frame begins. */
  begin(): void {
    this.lines = false;
    this.noiseLength = 0;
    this.matched = 0;
    this.sawHttp = false;
    this.head = '';
    this.binary = false;
  }

  /** Takes a byte between two frames; true: this is no debugger. */
  noise(byte: number): boolean {
    this.match(byte);
    this.noiseLength++;
    return this.sawHttp || isLineEnd(byte) || this.noiseLength > MOST_NOISE;
  }

  /** Takes a byte of a frame; true: this is no debugger. */
  inBody(byte: number): boolean {
    if (this.binary) return false;
    if (this.head !== undefined) this.lookForData(byte);
    if (this.matched > 0 || byte === HTTP[0]) this.match(byte);
    if (!isLineEnd(byte)) return false;
    this.lines = true;
    return this.sawHttp;
  }

  private lookForData(byte: number): void {
    this.head = `${this.head}${String.fromCharCode(byte)}`;
    if ((byte === COLON || byte === SEMICOLON) && BEFORE_DATA.test(this.head)) this.binary = true;
    const first = this.head.charCodeAt(0);
    const mayCarry = first === 0x58 || first === 0x71;
    if (!mayCarry || this.head.length > LONGEST_BEFORE_DATA) this.head = undefined;
  }

  private match(byte: number): void {
    this.matched = byte === HTTP[this.matched] ? this.matched + 1 : byte === HTTP[0] ? 1 : 0;
    if (this.matched < HTTP.length) return;
    this.matched = 0;
    this.sawHttp = true;
    this.name = 'HTTP';
  }
}

/** What a connection is that begins with a byte which no debugger begins with. */
export function firstByteName(byte: number): string {
  if (byte === 0x16) return 'TLS';
  if (byte >= 0x41 && byte <= 0x5a) return 'HTTP or another protocol of lines';
  return `byte 0x${byte.toString(16).padStart(2, '0')} first`;
}

function isLineEnd(byte: number): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN;
}
