import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { TensorBoard } from '../../../src/lib/keras/tensorboard.ts';
import { runPython } from '../../python.ts';

const folder = mkdtempSync(join(tmpdir(), 'tensorboard-'));
afterAll(() => rmSync(folder, { recursive: true }));

// TensorBoard's own loader, which checks every checksum; it does not need TensorFlow.
const script = `
import json, sys
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
import pathlib
events = {}
for file in sorted(pathlib.Path(sys.argv[1]).glob("*/events*")):
    rows = []
    for event in LegacyEventFileLoader(str(file)).Load():
        rows.append([event.file_version, event.step, event.wall_time > 1.7e9,
                     {v.tag: v.simple_value for v in event.summary.value}])
    events.setdefault(file.parent.name, []).extend(rows)
print(json.dumps(events))
`;

test('keras.callbacks.TensorBoard: TensorBoard reads the scalars of each epoch', async () => {
  const board = new TensorBoard(folder);
  await board.onEpochEnd(0, { acc: 0.5, loss: 1.25, val_acc: 0.25, val_loss: 2 });
  await board.onEpochEnd(300, { acc: 0.75, loss: 0.1 });
  board.close();
  const events = JSON.parse(await runPython(['-c', script, folder], { env: { CUDA_VISIBLE_DEVICES: '' } }));
  expect(events).toEqual({
    train: [
      ['brain.Event:2', 0, true, {}],
      ['', 0, true, { epoch_acc: 0.5, epoch_loss: 1.25 }],
      ['', 300, true, { epoch_acc: 0.75, epoch_loss: Math.fround(0.1) }],
    ],
    validation: [
      ['brain.Event:2', 0, true, {}],
      ['', 0, true, { epoch_acc: 0.25, epoch_loss: 2 }],
    ],
  });
});
