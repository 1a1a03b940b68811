import { join } from 'node:path';
import type { Command } from 'commander';
import { readFromFolder, writeFolder } from '../../host/files/folders.js';
import type { Recording } from '../../replay/recording.js';
import { exportParts, importParts } from '../../replay/recording-parts.js';
import { writeRecording } from '../../replay/recording-writer.js';
import { InputError } from '../../state/input-error.js';
import { commandFiles } from '../command-files.js';
import { readRecordingFile } from '../inputs.js';
import { addExamples, type Finish } from '../program-parts.js';

export function addExport(program: Command, finish: Finish): void {
  const command = program
    .command('export')
    .summary('take a recording apart into readable files')
    .description(
      'Writes the parts of a recording into a new folder: config.json, images as .bin files, events.jsonl, checkpoints.jsonl, and recording.json, which names the images and the end.',
    )
    .argument('<recording>', 'file written by record or serve --record')
    .argument('<folder>', 'folder to create');
  addExamples(command, [['backstub export run.bst parts', 'then read or change parts/events.jsonl']]);
  command.action((file: string, folder: string) =>
    finish(async () => {
      writeFolder(folder, exportParts(readRecordingFile(file)));
      return 0;
    }),
  );
}

export function addImport(program: Command, finish: Finish): void {
  const command = program
    .command('import')
    .summary('put an exported recording together again')
    .description(
      'Reads the files that export wrote and writes a recording. What was changed in them replays as changed: verify tells where it then leads elsewhere.',
    )
    .argument('<folder>', 'folder written by export')
    .requiredOption('-o, --output <file>', 'the recording to write; an existing file is replaced');
  addExamples(command, [['backstub import parts -o changed.bst', '']]);
  command.action((folder: string, options: { readonly output: string }) =>
    finish(async () => {
      const recording = readParts(folder);
      const file = commandFiles.create(options.output, 'recording', 'replacing');
      try {
        writeRecording(file, recording);
      } finally {
        file.close();
      }
      return 0;
    }),
  );
}

function readParts(folder: string): Recording {
  let reading = false;
  try {
    return importParts(path => {
      reading = true;
      const bytes = readFromFolder(commandFiles, folder, path);
      reading = false;
      return bytes;
    });
  } catch (error) {
    if (error instanceof InputError && !reading) throw new InputError(join(folder, error.message));
    throw error;
  }
}
