import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { INPUT_EVENTS } from '../../src/ports/input-event.js';
import { REPOSITORY } from '../support/sessions.js';

/** Functions and variables of QEMU 7.2's include/sysemu/replay.h, and of replay-internal.h what other files use. */
const FUNCTIONS = [
  'replay_mode replay_snapshot replay_mutex_lock replay_mutex_unlock replay_configure replay_start replay_finish',
  'replay_add_blocker replay_get_filename replay_vmstate_init replay_vmstate_register replay_can_snapshot',
  'replay_get_current_icount replay_get_instructions replay_account_executed_instructions replay_exception',
  'replay_has_exception replay_interrupt replay_has_interrupt replay_save_clock replay_read_clock',
  'replay_save_random replay_read_random replay_shutdown_request replay_checkpoint replay_has_event',
  'replay_async_events replay_disable_events replay_enable_events replay_events_enabled replay_flush_events',
  'replay_bh_schedule_event replay_bh_schedule_oneshot_event replay_input_event replay_input_sync_event',
  'replay_block_event blkreplay_next_id replay_register_char_driver replay_chr_be_write',
  'replay_char_write_event_save replay_char_write_event_load replay_char_read_all_load',
  'replay_char_read_all_save_error replay_char_read_all_save_buf replay_register_net replay_unregister_net',
  'replay_net_packet_event replay_audio_out replay_audio_in replay_reverse_step replay_reverse_continue',
  'replay_running_debug replay_breakpoint replay_gdb_attached',
].flatMap(line => line.split(' '));

const EVENTS = [
  'EVENT_INSTRUCTION EVENT_INTERRUPT EVENT_EXCEPTION EVENT_ASYNC REPLAY_ASYNC_EVENT_BH',
  'REPLAY_ASYNC_EVENT_BH_ONESHOT REPLAY_ASYNC_EVENT_INPUT REPLAY_ASYNC_EVENT_INPUT_SYNC',
  'REPLAY_ASYNC_EVENT_CHAR_READ REPLAY_ASYNC_EVENT_BLOCK REPLAY_ASYNC_EVENT_NET EVENT_SHUTDOWN EVENT_CHAR_WRITE',
  'EVENT_CHAR_READ_ALL EVENT_CHAR_READ_ALL_ERROR EVENT_AUDIO_OUT EVENT_AUDIO_IN EVENT_RANDOM REPLAY_CLOCK_HOST',
  'REPLAY_CLOCK_VIRTUAL_RT CLOCK_WARP_START CLOCK_WARP_ACCOUNT CLOCK_VIRTUAL CLOCK_HOST CLOCK_VIRTUAL_RT',
  'RESET_REQUESTED SUSPEND_REQUESTED INIT RESET EVENT_END',
].flatMap(line => line.split(' '));

interface Row {
  readonly names: readonly string[];
  readonly here: string;
  readonly tests: readonly string[];
}

const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);

function readRows(): Row[] {
  return readFileSync(join(REPOSITORY, 'docs/replay-h.md'), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('| ') && !line.startsWith('| ---') && !line.endsWith('shown by |'))
    .map(line => {
      const [, subject, here, shownBy] = line.split('|').map(cell => cell.trim());
      return { names: quoted(subject), here, tests: quoted(shownBy) };
    });
}

const rows = readRows();

describe("the table of replay.h's functions and events", () => {
  test.each([
    ['function', FUNCTIONS],
    ['event', EVENTS],
  ])('has every %s once', (_what, names) => {
    const listed = rows.flatMap(row => row.names).filter(name => names.includes(name));
    expect(listed.toSorted()).toEqual(names.toSorted());
  });

  test('says of each what is here, and names tests that exist', () => {
    expect(rows.length).toBeGreaterThan(50);
    for (const { names, here, tests } of rows) {
      expect(here, names.join()).not.toBe('');
      expect(tests.length, names.join()).toBeGreaterThan(0);
      for (const file of tests) expect(existsSync(join(REPOSITORY, file)), file).toBe(true);
    }
  });

  test('names every event kind of a recording', () => {
    const kinds = Object.keys(INPUT_EVENTS);
    expect(kinds.length).toBeGreaterThan(10);
    const text = rows.map(({ here }) => here).join('\n');
    for (const kind of kinds) expect(text).toContain(`\`${kind}\``);
  });
});
