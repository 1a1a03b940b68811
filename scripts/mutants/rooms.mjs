// Which sources are mutated, and which tests have to notice: paths and folders, without what is generated or declared.

/**
 * `files`: sources of the room, a folder standing for all in it; `except`: those that emit code or only declare, whose
 * mistakes other suites judge; `tests`: what has to kill its mutants. Quick ones run first, by their measured time.
 */
export const ROOMS = {
  timeline: {
    files: ['src/timeline'],
    except: ['src/timeline/debug-target.ts', 'src/timeline/search/question-ops.ts'],
    tests: ['test/timeline', 'test/replay/recording-parts.test.ts', 'test/api'],
  },
  snapshot: {
    files: ['src/snapshot'],
    except: [],
    tests: [
      'test/snapshot',
      'test/timeline/warm-history.test.ts',
      'test/timeline/invariants.test.ts',
      'test/timeline/search-pool.test.ts',
      'test/replay/released-formats.test.ts',
      'test/sessions/connection.test.ts',
    ],
  },
  replay: { files: ['src/replay'], except: [], tests: ['test/replay'] },
  riscv: {
    files: ['src/riscv'],
    except: ['src/riscv/isa', 'src/riscv/csr-table.ts', 'src/riscv/hart-state.ts', 'src/riscv/registers.ts'],
    tests: ['test/riscv', 'test/engine/plain-csrs.test.ts', 'test/lockstep/emulator.test.ts'],
  },
  'gdb/stub': {
    files: ['src/gdb/stub', 'src/agent'],
    except: [],
    tests: [
      'test/gdb/agent-expression.test.ts',
      'test/gdb/c-expression.test.ts',
      'test/gdb/conditions.test.ts',
      'test/gdb/conversation.test.ts',
      'test/gdb/fuzz.test.ts',
      'test/gdb/memory-walk.test.ts',
      'test/gdb/monitor-arguments.test.ts',
      'test/gdb/monitor.test.ts',
      'test/gdb/packets.test.ts',
      'test/gdb/questions-on-the-wire.test.ts',
      'test/gdb/session.test.ts',
    ],
  },
  'devices/virtio': { files: ['src/devices/virtio'], except: [], tests: ['test/devices'] },
  semihosting: { files: ['src/semihosting'], except: [], tests: ['test/semihosting'] },
  engine: {
    files: ['src/engine'],
    except: [
      'src/engine/softfloat',
      'src/engine/interpreter-access.ts',
      'src/engine/interpreter-frame.ts',
      'src/engine/interpreter.ts',
      'src/engine/expression-emitter.ts',
      'src/engine/statement-emitter.ts',
      'src/engine/jit/region-emitter.ts',
      'src/engine/jit/region-function.ts',
      'src/engine/jit/region-memory.ts',
    ],
    tests: [
      'test/engine',
      'test/riscv/code.test.ts',
      'test/riscv/watchpoints.test.ts',
      'test/timeline/unfetchable.test.ts',
    ],
  },
};
