import { markdownTable } from 'markdown-table';
import type { Fault, Side } from '../doctor/probes.ts';
import type { Machine } from '../lib/machine.ts';
import type { RowResult, Share } from './bench.ts';

/** What the results were measured on. */
export interface BenchSetting {
  readonly machine: Machine;
  readonly node: Side | Fault;
  readonly python: Side | Fault;
  /** Recordings of the rows on Challenge 2017. */
  readonly challenge17: 'real' | 'generated';
  /** Tiny data: the results say nothing about speed. */
  readonly quick: boolean;
}

/** The results as an aligned Markdown table with notes below it. The results of a quick run are not compared with the goals. */
export function formatResults(results: readonly RowResult[], { quick = false } = {}): string {
  const table = markdownTable(
    [
      ['row', 'work', 'port', 'original', 'unit', 'ratio', 'range', 'goal', '', 'of matrix throughput'],
      ...results.map((result) => [
        result.name,
        result.title,
        figure(result.port),
        figure(result.original),
        result.unit,
        result.ratio === null ? '–' : result.ratio.toFixed(3),
        result.ratioRange?.map((ratio) => ratio.toFixed(3)).join('–') ?? '–',
        result.original === null && result.error === undefined ? `≤ ${result.goal} ${result.unit}` : `≤ ${result.goal}`,
        verdict(result, quick),
        result.share ? `${describeShare(result.share.port)} (original ${describeShare(result.share.original)})` : '',
      ]),
    ],
    { align: ['l', 'l', 'r', 'r', 'l', 'r', 'r', 'r', 'l', 'l'] },
  );
  const notes = results.flatMap(({ name, against, note, error }) => {
    const text = [against && `“original” is ${against}`, note, error && `could not run: ${error.split('\n')[0]}`];
    return text.some(Boolean) ? [`* ${name}: ${text.filter(Boolean).join('; ')}`] : [];
  });
  return [table, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

/** What the results were measured on, as lines of text. */
export function formatSetting({ machine, node, python, challenge17, quick }: BenchSetting): string {
  const side = (name: string, of: Side | Fault): string =>
    'fault' in of
      ? `${name}: ${of.fault}`
      : `${name} ${of.version}, TensorFlow ${of.tensorflow}, oneDNN ${of.oneDnn ? 'on' : 'off'}, ${of.gpus} GPUs, threads ${of.threads ?? 'by itself'}`;
  return [
    ...(quick ? ['QUICK RUN on tiny data: it shows that the rows run; its figures mean nothing.', ''] : []),
    `Machine: ${machine.processor}, ${machine.cpus} CPUs, ${(machine.memoryTotal / 1e9).toFixed(0)} GB, ${machine.platform}; ${machine.cpuFeatures.join(' ') || 'no vector instructions known'}`,
    side('Node', node),
    side('Python', python),
    `Challenge 2017 recordings: ${challenge17}`,
  ].join('\n');
}

/** The file of `--json` (`schema` 1): fields are added, never renamed. */
export function resultsAsJson(results: readonly RowResult[], setting: BenchSetting): string {
  return `${JSON.stringify({ schema: 1, ...setting, rows: results }, null, 1)}\n`;
}

function verdict({ met }: RowResult, quick: boolean): string {
  if (met === null) return 'could not run';
  if (quick) return 'ran';
  return met ? 'met' : 'missed';
}

function figure(value: number | null): string {
  if (value === null) return '–';
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}

function describeShare({ value, rate }: Share): string {
  return `${(100 * value).toFixed(0)} % of ${(rate / 1e9).toFixed(0)} GFLOP/s`;
}
