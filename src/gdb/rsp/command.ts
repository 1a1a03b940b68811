/** What a debugger asks for, one variant per meaning. Addresses are unsigned, lengths in bytes. */

/** A thread of the protocol: a positive id, every thread (-1) or any thread (0). */
export type ThreadSelector = number | 'all' | 'any';

export type ResumeAction =
  | { readonly kind: 'continue' | 'step'; readonly thread: ThreadSelector }
  | {
      readonly kind: 'range-step';
      readonly start: bigint;
      readonly end: bigint;
      readonly thread: ThreadSelector;
    };

export type PointKind = 'software' | 'hardware' | 'write' | 'read' | 'access';

export type TransferObject = 'features' | 'memory-map' | 'threads';

export type Command =
  | { readonly kind: 'supported'; readonly clientFeatures: readonly string[] }
  | { readonly kind: 'start-no-ack-mode' }
  | { readonly kind: 'extended-mode' }
  | { readonly kind: 'stop-reason' }
  | { readonly kind: 'query-attached' }
  | { readonly kind: 'attach' }
  | { readonly kind: 'detach' }
  | { readonly kind: 'kill' }
  | { readonly kind: 'kill-process' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'run'; readonly program: string; readonly arguments: readonly string[] }
  | { readonly kind: 'list-threads' }
  | { readonly kind: 'list-more-threads' }
  | { readonly kind: 'thread-info'; readonly thread: number }
  | { readonly kind: 'current-thread' }
  | { readonly kind: 'thread-alive'; readonly thread: number }
  | {
      readonly kind: 'select-thread';
      readonly purpose: 'inspect' | 'resume';
      readonly thread: ThreadSelector;
    }
  | { readonly kind: 'read-registers' }
  | { readonly kind: 'write-registers'; readonly bytes: Uint8Array }
  | { readonly kind: 'read-register'; readonly register: number }
  | { readonly kind: 'write-register'; readonly register: number; readonly bytes: Uint8Array }
  | { readonly kind: 'read-memory'; readonly address: bigint; readonly length: number }
  | { readonly kind: 'read-memory-binary'; readonly address: bigint; readonly length: number }
  | { readonly kind: 'write-memory'; readonly address: bigint; readonly bytes: Uint8Array }
  | { readonly kind: 'checksum-memory'; readonly address: bigint; readonly length: bigint }
  | {
      readonly kind: 'search-memory';
      readonly address: bigint;
      readonly length: bigint;
      readonly pattern: Uint8Array;
    }
  | {
      readonly kind: 'insert-point' | 'remove-point';
      readonly point: PointKind;
      readonly address: bigint;
      /** Bytes watched, or for breakpoints the length of the instruction there. */
      readonly length: number;
      /** Agent expressions: any one that is true is enough to stop. None: always. */
      readonly conditions: readonly Uint8Array[];
      /** Agent expressions to run at a hit instead of stopping. */
      readonly commands: readonly Uint8Array[];
    }
  | { readonly kind: 'query-resume-actions' }
  | { readonly kind: 'resume'; readonly actions: readonly ResumeAction[] }
  | {
      readonly kind: 'resume-selected';
      readonly step: boolean;
      /** Where to resume, the present pc when undefined. */
      readonly address: bigint | undefined;
    }
  | { readonly kind: 'reverse-step' }
  | { readonly kind: 'reverse-continue' }
  | {
      readonly kind: 'transfer';
      readonly object: TransferObject;
      readonly annex: string;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly kind: 'monitor'; readonly text: string }
  /** A packet not in the table: the protocol wants an empty answer. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'malformed'; readonly prefix: string };
