/** Millivolts of one of each unit, by its name in lower case. The micro sign (U+00B5) and the Greek letter mu (U+03BC) look alike. */
const millivolts: ReadonlyMap<string, number> = new Map([
  ...names(1e3, 'v', 'volt'),
  ...names(1, 'mv', 'millivolt'),
  ...names(1e-3, 'uv', '\u00b5v', '\u03bcv', 'microvolt'),
  ...names(1e-6, 'nv', 'nanovolt'),
]);

/** Names of units that `millivoltsPer` knows, for messages. */
export const knownUnits = 'mV, µV (or uV), nV or V';

/** Millivolts of one unit of a voltage, whatever its letters' case (`mV`, `uV`, `µV`, `millivolts`, …); undefined for any other text. */
export function millivoltsPer(unit: string): number | undefined {
  // ASCII letters alone: the capital of µ looks like M.
  return millivolts.get(unit.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
}

function names(value: number, ...texts: readonly string[]): [string, number][] {
  return texts.flatMap((text): [string, number][] => [
    [text, value],
    ...(text.endsWith('volt') ? [[`${text}s`, value] as [string, number]] : []),
  ]);
}
