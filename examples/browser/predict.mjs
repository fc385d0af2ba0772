// Predicts a recording in the browser with onnxruntime-web; see ../../docs/export.md.
// The recording is a table: names of leads in the first row, then one row per sample, in the unit and at the sampling rate that the description names.
import { env, InferenceSession, Tensor } from './node_modules/onnxruntime-web/dist/ort.wasm.min.mjs';

// More threads need a page that is isolated from others (the headers COOP and COEP).
env.wasm.numThreads = 1;

const element = (id) => document.getElementById(id);

async function predict() {
  const [model, metadata, table] = ['model', 'metadata', 'recording'].map((id) => element(id).files[0]);
  if (!model || !metadata || !table) throw new Error('choose the three files first');
  const { classes, activation, input } = JSON.parse(await metadata.text());

  const [header, ...lines] = (await table.text()).trim().split(/\r?\n/);
  const names = header.split(',').map((name) => name.trim());
  const columns = input.leads.map((lead) => names.indexOf(lead));
  if (columns.includes(-1)) throw new Error(`the model needs the leads ${input.leads}, the file has ${names}`);
  const rows = lines.map((line) => line.split(',').map(Number));
  const signal = Float32Array.from(rows.flatMap((row) => columns.map((column) => row[column])));
  if (!signal.every(Number.isFinite)) throw new Error(`${table.name} has missing samples`);

  const session = await InferenceSession.create(await model.arrayBuffer(), { executionProviders: ['wasm'] });
  const recording = new Tensor('float32', signal, [1, rows.length, columns.length]);
  const { probabilities } = await session.run({ [input.name]: recording });
  await session.release();

  const values = [...probabilities.data];
  const largest = Math.max(...values);
  const decided = (value) => (activation === 'sigmoid' ? value >= 0.5 : value === largest);
  return classes.map((name, i) => `${name}\t${values[i].toFixed(6)}${decided(values[i]) ? '\t<-' : ''}`).join('\n');
}

element('predict').addEventListener('click', async () => {
  element('result').textContent = 'Predicting …';
  element('result').textContent = await predict().catch((error) => `Error: ${error.message}`);
});
