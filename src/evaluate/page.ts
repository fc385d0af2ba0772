import type { Interval, Scores } from '../lib/bootstrap.ts';
import { colours, looks, type Picture } from '../page/charts.ts';
import { figurePart, figureTable, scrollBox } from '../page/components.ts';
import { htmlPage } from '../page/html_page.ts';
import { diagonal, type Line, linesPicture, squarePicture } from '../page/lines_picture.ts';
import { html, type Markup } from '../page/markup.ts';
import { matricesPicture, matrixLabels, totalOf } from '../page/matrices_picture.ts';
import { brief, plain } from '../page/plain.ts';
import { type Strip, stripPicture } from '../page/strip_picture.ts';
import { counted } from '../text.ts';
import { type ClassWords, named } from './class_words.ts';
import type { ClassEvaluation, Evaluation, WrongRecord } from './evaluation.ts';
import type { LearningCurve } from './history.ts';
import * as wording from './wording.ts';
import { decisionText, intervalsText, scoreNames, thresholdColumn } from './wording.ts';

/** One set of predictions on a page. */
export interface PageEntry {
  readonly evaluation: Evaluation;
  readonly curves: readonly LearningCurve[];
  /** Strips of wrong records, by row. */
  readonly strips: ReadonlyMap<number, Strip>;
  /** Differences from the first entry; undefined for the first. */
  readonly difference?: Scores<Interval>;
  /** What a reader must know, such as what is missing. */
  readonly notes: readonly string[];
}

/** A page about one or several sets of predictions. */
export interface EvaluationPage {
  readonly title: string;
  readonly entries: readonly PageEntry[];
  readonly words: ClassWords;
  /** Command line that makes the page again. */
  readonly command: string;
  readonly notice: string;
}

/** Texts of intervals that a cell keeps on one line. */
const unbroken = (text: string): string => text.replaceAll(' ', '\u00a0');
const intervalText = (interval: Interval): string => unbroken(wording.intervalText(interval));
const differenceText = (interval: Interval): string => unbroken(wording.differenceText(interval));

/** Most classes whose curves are shown without being unfolded. */
const mostOpen = 5;

/** `report.html` of predictions: one file without scripts that loads nothing from elsewhere. */
export function evaluationPage(page: EvaluationPage): string {
  const { title, entries, notice } = page;
  const learning = entries.some(({ curves }) => curves.length > 0);
  const several = entries.length > 1;
  const confusion = entries.some(({ evaluation }) => evaluation.confusion);
  return htmlPage(
    plain(title),
    'Skip to the scores',
    html`<header><h1>${plain(title)}</h1></header>
<main id="main">
${summaryPart(page)}
<nav aria-label="Contents"><ul>
<li><a href="#classes">Classes</a></li>${several ? html`<li><a href="#differences">Differences</a></li>` : undefined}${learning ? html`<li><a href="#learning">Learning curves</a></li>` : undefined}${confusion ? html`<li><a href="#confusion">Confusion</a></li>` : undefined}<li><a href="#curves">Curves</a></li><li><a href="#wrong">Most surely wrong</a></li><li><a href="#repeat">Repeat it</a></li>
</ul></nav>
${classesPart(page)}
${several ? differencesPart(page) : undefined}
${learning ? learningPart(page) : undefined}
${confusion ? confusionPart(page) : undefined}
${curvesPart(page)}
${wrongPart(page)}
<section id="repeat" aria-labelledby="repeat-title">
<h2 id="repeat-title">Repeat it</h2>
${scrollBox('Command', html`<pre><code>${plain(page.command, 1000)}</code></pre>`)}
</section>
</main>
<footer><p>Made by ecg-transplant. ${notice}</p></footer>`,
  );
}

function summaryPart({ entries }: EvaluationPage): Markup {
  const [{ evaluation }] = entries;
  const figure = (term: string, value: string): Markup => html`<div><dt>${term}</dt><dd>${value}</dd></div>`;
  const columns = [
    'Predictions',
    'Records',
    'Accuracy',
    'Macro F1',
    'Macro AUC',
    'Macro average precision',
    'Calibration error',
  ];
  const rows = entries.map(({ evaluation: one }) => [
    one.predictions.name,
    one.predictions.recordIds.length.toLocaleString('en'),
    ...[one.scores.accuracy, one.scores.macroF1, one.scores.macroAuc, one.scores.macroAveragePrecision].map(
      intervalText,
    ),
    one.calibrationError.toFixed(3),
  ]);
  const single = html`<dl class="figures">
${figure('records', evaluation.predictions.recordIds.length.toLocaleString('en'))}
${figure('entirely correct', intervalText(evaluation.scores.accuracy))}
${figure('macro F1', intervalText(evaluation.scores.macroF1))}
${figure('macro AUC', intervalText(evaluation.scores.macroAuc))}
${figure('macro average precision', intervalText(evaluation.scores.macroAveragePrecision))}
${figure('expected calibration error', evaluation.calibrationError.toFixed(3))}
</dl>`;
  const notes = [
    ...decisionNotes(entries),
    intervalsText(evaluation),
    ...entries.flatMap(({ notes: own, evaluation: one }) =>
      own.map((note) => (entries.length > 1 ? `${one.predictions.name}: ${note}` : note)),
    ),
  ];
  return html`<section aria-labelledby="scores-title">
<h2 id="scores-title">Scores</h2>
${entries.length === 1 ? single : figureTable({ title: 'Scores with 95 % intervals', columns, rows })}
<ul>${notes.map((note) => html`<li>${plain(note, 1000)}</li>`)}</ul>
</section>`;
}

function decisionNotes(entries: readonly PageEntry[]): string[] {
  const texts = entries.map(({ evaluation }) => decisionText(evaluation.decision));
  if (new Set(texts).size === 1) return texts.slice(0, 1);
  return texts.map((text, i) => `${entries[i].evaluation.predictions.name}: ${text}`);
}

function classesPart({ entries, words }: EvaluationPage): Markup {
  const tables = entries.map(({ evaluation: { predictions, scores, classes, decision } }) => {
    const thresholds = thresholdColumn(decision);
    const undefinedIn = Math.max(...scores.perClass.map(({ auc }) => auc.undefinedResamples));
    return figureTable({
      title: entries.length > 1 ? predictions.name : 'Scores of each class with 95 % intervals',
      note:
        undefinedIn > 0
          ? `Resamples without both labels of a class (up to ${undefinedIn}) are left out of the intervals of its AUC and average precision.`
          : undefined,
      columns: [
        'Class',
        'Records',
        ...(thresholds ? ['Threshold'] : []),
        'Predicted',
        ...scoreNames.map(([, name]) => name),
        'Calibration error',
      ],
      rows: classes.map(({ name, support, predicted, calibrationError }, k) => [
        named(name, words),
        support,
        ...(thresholds ? [thresholds[k]] : []),
        predicted,
        ...scoreNames.map(([key]) => intervalText(scores.perClass[k][key])),
        calibrationError.toFixed(3),
      ]),
    });
  });
  return html`<section id="classes" aria-labelledby="classes-title">
<h2 id="classes-title">Classes</h2>
<p>Records: how many have the class. Predicted: how many are decided to have it.</p>
${tables}
</section>`;
}

function differencesPart({ entries, words }: EvaluationPage): Markup {
  const [{ evaluation: first }, ...others] = entries;
  const tables = others.flatMap(({ evaluation, difference }) =>
    difference === undefined
      ? []
      : [
          figureTable({
            title: `${evaluation.predictions.name} minus ${first.predictions.name}`,
            columns: ['Class', ...scoreNames.map(([, name]) => name)],
            rows: [
              ...evaluation.classes.map(({ name }, k) => [
                named(name, words),
                ...scoreNames.map(([key]) => differenceText(difference.perClass[k][key])),
              ]),
              [
                'mean of the classes',
                ...['', ''],
                ...[difference.macroF1, difference.macroAuc, difference.macroAveragePrecision].map(differenceText),
              ],
            ],
          }),
        ],
  );
  return html`<section id="differences" aria-labelledby="differences-title">
<h2 id="differences-title">Differences on the same records</h2>
<p>Each resample is drawn once for both. An interval that does not contain 0 is more than sampling of the records explains.</p>
${tables}
</section>`;
}

function learningPart({ entries }: EvaluationPage): Markup {
  const pictures = entries.flatMap(({ evaluation, curves }) =>
    curves.map(({ metric, epochs, training, validation }) => {
      const title = entries.length > 1 ? `${evaluation.predictions.name}: ${metric}` : metric;
      const lines = [
        ...(training ? [lineOf('training', { x: epochs, y: training }, 0)] : []),
        ...(validation ? [lineOf('validation', { x: epochs, y: validation }, 1)] : []),
      ];
      return figurePart(linesPicture({ title, x: 'epoch', y: metric, lines }), title);
    }),
  );
  return html`<section id="learning" aria-labelledby="learning-title">
<h2 id="learning-title">Learning curves</h2>
<div class="pictures">${pictures}</div>
</section>`;
}

function confusionPart({ entries }: EvaluationPage): Markup {
  const pictures = entries.flatMap(({ evaluation: { predictions, confusion } }, i) => {
    if (confusion === undefined) return [];
    const { name, classes } = predictions;
    const words = `Confusion matrix of ${classes.length} classes (${matrixLabels(classes).join(', ')}), ${counted(totalOf(confusion), 'record')}.`;
    const matrix = { name: brief(name, 24), cells: confusion, colour: looks[i % looks.length].color };
    return [figurePart(matricesPicture(classes, [matrix], words), name, ' Rows: truth. Columns: prediction.')];
  });
  return html`<section id="confusion" aria-labelledby="confusion-title">
<h2 id="confusion-title">Confusion</h2>
<p>Each row has the records of one true class. The shade shows their share.</p>
<div class="pictures">${pictures}</div>
</section>`;
}

function curvesPart({ entries, words }: EvaluationPage): Markup {
  const [{ evaluation: first }] = entries;
  const classes = first.classes.map(({ name }, k) => {
    const title = plain(named(name, words));
    const pictures = html`<div class="pictures three">${classPictures(entries, k)}</div>`;
    return html`<details${first.classes.length <= mostOpen ? html` open` : undefined}><summary>${title}</summary>
${pictures}
</details>`;
  });
  return html`<section id="curves" aria-labelledby="curves-title">
<h2 id="curves-title">Curves of each class</h2>
<p>The reliability diagram has ten bins of equal width; points on the dotted line are calibrated.</p>
${classes}
</section>`;
}

function classPictures(entries: readonly PageEntry[], k: number): Markup[] {
  const name = entries[0].evaluation.classes[k].name;
  const lines = (
    of: (one: ClassEvaluation, i: number) => { x: ArrayLike<number>; y: ArrayLike<number> } | undefined,
    symbol?: string,
  ): Line[] =>
    entries.flatMap(({ evaluation }, i) => {
      const curve = of(evaluation.classes[k], i);
      if (curve === undefined) return [];
      const line = lineOf(brief(evaluation.predictions.name, 24), curve, i);
      return [symbol === undefined ? line : { ...line, symbol: looks[i % looks.length].symbol }];
    });
  const roc = lines(({ roc: curve }) => curve);
  const precisionRecall = lines(({ precisionRecall: curve }) => curve);
  const reliability = lines(
    ({ calibration }) => ({
      x: calibration.map(({ predicted }) => predicted),
      y: calibration.map(({ observed }) => observed),
    }),
    'circle',
  );
  const { support } = entries[0].evaluation.classes[k];
  const records = entries[0].evaluation.predictions.recordIds.length;
  const picture = (title: string, shown: readonly Line[], draw: (whole: string) => Picture): Markup =>
    shown.length === 0
      ? html`<p>${title}: not defined, since ${support === 0 ? 'no record has' : 'all records have'} the class.</p>`
      : figurePart(draw(`${name}: ${title}`), title);
  return [
    picture('Receiver operating characteristic', roc, (title) =>
      squarePicture({ title, x: 'false positive rate', y: 'true positive rate', lines: roc, dotted: diagonal }),
    ),
    picture('Precision and recall', precisionRecall, (title) =>
      squarePicture({
        title,
        x: 'recall',
        y: 'precision',
        lines: precisionRecall,
        dotted: [
          [0, support / records],
          [1, support / records],
        ],
      }),
    ),
    picture('Reliability', reliability, (title) =>
      squarePicture({ title, x: 'mean probability', y: 'share of true records', lines: reliability, dotted: diagonal }),
    ),
  ];
}

function wrongPart({ entries, words }: EvaluationPage): Markup {
  const parts = entries.map(({ evaluation: { predictions, wrong }, strips }) => {
    const all = predictions.recordIds.length;
    const title = `${entries.length > 1 ? `${predictions.name}: ` : ''}${counted(wrong.count, 'record')} of ${all.toLocaleString('en')} decided wrongly`;
    if (wrong.count === 0) return html`<p>${plain(title)}.</p>`;
    const list = (names: readonly string[]): string => names.map((name) => named(name, words)).join(', ') || 'no class';
    const table = figureTable({
      title,
      note: wrong.count > wrong.records.length ? `The ${wrong.records.length} most surely wrong.` : undefined,
      columns: ['Record', 'Truth', 'Predicted', 'Wrong with probability'],
      rows: wrong.records.map(({ record, truth, predicted, sureness }) => [
        record,
        list(truth),
        list(predicted),
        sureness.toFixed(4),
      ]),
    });
    const drawn = wrong.records.flatMap((record) => {
      const strip = strips.get(record.row);
      return strip ? [stripPart(strip, record, list)] : [];
    });
    return html`${table}${drawn.length > 0 ? html`<div class="pictures">${drawn}</div>` : undefined}`;
  });
  return html`<section id="wrong" aria-labelledby="wrong-title">
<h2 id="wrong-title">Most surely wrong</h2>
<p>Look at these first: a wrong label, a bad recording, or a mistake of the network. The probability is that of the worst wrong statement about the record.</p>
${parts}
</section>`;
}

function stripPart(
  strip: Strip,
  { truth, predicted, sureness }: WrongRecord,
  list: (names: readonly string[]) => string,
): Markup {
  const labels = `Truth ${plain(list(truth))}; predicted ${plain(list(predicted))}.`;
  return figurePart(
    stripPicture(strip, labels),
    plain(strip.title),
    html` Truth: <b>${plain(list(truth))}</b>. Predicted: <b>${plain(list(predicted))}</b>, wrong with probability ${sureness.toFixed(4)}. The end of what the network saw, as it was prepared.`,
  );
}

function lineOf(
  name: string,
  { x, y }: { readonly x: ArrayLike<number>; readonly y: ArrayLike<number> },
  look: number,
): Line {
  const { color, type } = looks[look % looks.length];
  // As in the comparison: the first line is broad, so that it shows between the dashes of the second.
  return {
    name,
    x: Array.from(x),
    y: Array.from(y),
    stroke: { color: color ?? colours.ink, width: look === 0 ? 4 : 2, type },
    above: look,
  };
}
