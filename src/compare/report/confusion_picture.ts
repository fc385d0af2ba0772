import { colours, type Picture } from '../../page/charts.ts';
import { matricesPicture, matrixLabels, totalOf } from '../../page/matrices_picture.ts';
import { plain } from '../../page/plain.ts';
import type { Observation } from '../observations.ts';

type Confusion = Extract<Observation, { readonly kind: 'confusion' }>;

/** The confusion matrices of both sides. Cells that differ are framed. */
export function confusionPicture({ title, classes, port, original }: Confusion): Picture {
  const different = port.flatMap((row, i) => row.filter((value, j) => value !== original[i]?.[j])).length;
  const words = [
    `${plain(title)}: confusion matrices of ${classes.length} classes (${matrixLabels(classes).join(', ')}), ${totalOf(port)} records in the port, ${totalOf(original)} in the original.`,
    different === 0 ? 'All cells are the same.' : `${different} cells differ and are framed.`,
  ].join(' ');
  const framed = (row: number, column: number): boolean => port[row]?.[column] !== original[row]?.[column];
  const matrices = [
    { name: 'Port', cells: port, colour: colours.port, framed },
    { name: 'Original', cells: original, colour: colours.original, framed },
  ];
  return matricesPicture(classes, matrices, words);
}
