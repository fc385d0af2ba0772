// Predicts a recording in plain Node, without TensorFlow and without this package:
//   npm install onnxruntime-node
//   node predict_onnx.mjs af.onnx af.json recording.csv
// The recording is a table: names of leads in the first row, then one row per sample, in the unit and at the sampling rate that af.json names.
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [modelFile, metadataFile, recordingFile] = process.argv.slice(2);
const { classes, activation, thresholds, input } = JSON.parse(readFileSync(metadataFile, 'utf8'));

const [header, ...lines] = readFileSync(recordingFile, 'utf8').trim().split(/\r?\n/);
const names = header.split(',').map((name) => name.trim());
const columns = input.leads.map((lead) => names.indexOf(lead));
if (columns.includes(-1)) throw new Error(`the model needs the leads ${input.leads}, the file has ${names}`);
const rows = lines.map((line) => line.split(',').map(Number));
const signal = Float32Array.from(rows.flatMap((row) => columns.map((column) => row[column])));
if (!signal.every(Number.isFinite)) throw new Error(`${recordingFile} has missing samples`);

const session = await InferenceSession.create(modelFile);
const recording = new Tensor('float32', signal, [1, rows.length, columns.length]);
const { probabilities } = await session.run({ [input.name]: recording });

const values = [...probabilities.data];
const largest = Math.max(...values);
for (const [i, name] of classes.entries()) {
  const threshold = thresholds?.[i] ?? (activation === 'sigmoid' ? 0.5 : largest);
  const decided = values[i] >= threshold;
  console.log(`${name}\t${values[i].toFixed(6)}${decided ? '\t<-' : ''}`);
}
console.log(
  `From ${rows.length} samples, ${input.units} at ${input.samplingRate} Hz. For research, not for diagnosis.`,
);
