import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** How a file of a job is packed. */
export interface Kind {
  readonly name: RegExp;
  /**
   * Absolute paths are removed from `json`, `lines` (one JSON document per line) and `text`; `data` and `binary` are packed as they are.
   */
  readonly form: 'json' | 'lines' | 'text' | 'data' | 'binary';
  /** What it says about single patients: nothing (absent), possibly something (`mentions`), or nothing but that (`rows`). */
  readonly records?: 'mentions' | 'rows';
}

/** The files of a finished run that are packed, by their path in its folder. Data, checkpoints, logs and locks are left out. */
const kinds: readonly Kind[] = [
  { name: /(^|\/)(config|model|preprocessing|complete|experiment|scores)\.json$/, form: 'json' },
  { name: /(^|\/)report\.json$/, form: 'json', records: 'mentions' },
  { name: /(^|\/)(report|scores)\.md$/, form: 'text', records: 'mentions' },
  { name: /(^|\/)junit\.xml$/, form: 'text', records: 'mentions' },
  // Its pictures show excerpts of recordings.
  { name: /(^|\/)report\.html$/, form: 'text', records: 'rows' },
  { name: /(^|\/)events\.jsonl$/, form: 'lines', records: 'rows' },
  { name: /(^|\/)history\.csv$/, form: 'data' },
  { name: /(^|\/)(\w+_)?predictions\.csv$/, form: 'data', records: 'rows' },
  { name: /(^|\/)predictions\/.+\.csv$/, form: 'data', records: 'rows' },
  { name: /\.weights\.h5$/, form: 'binary' },
];

/** How a file of a run is packed, by its path in the run's folder; undefined if it is left out. */
export function kindOf(path: string): Kind | undefined {
  return kinds.find((kind) => kind.name.test(path));
}

/** A file of a job folder. */
export interface JobFile {
  /** Path below the folder, with `/`. */
  readonly path: string;
  readonly kind: Kind;
}

/**
 * Which files of a folder are packed, sorted by path, and what is left out: files by name, and whole folders if nothing in them is packed.
 */
export interface Contents {
  readonly files: readonly JobFile[];
  readonly leftOut: readonly string[];
}

/** Nesting depth of folders; deeper ones are left out. */
const deepest = 8;

/** Lists a job folder. Links are not followed. */
export function contentsOf(job: string): Contents {
  const files: JobFile[] = [];
  const leftOut: string[] = [];
  const visit = (below: string, depth: number): void => {
    for (const name of readdirSync(join(job, below)).sort(byCodeUnit)) {
      const path = below === '' ? name : `${below}/${name}`;
      const status = lstatSync(join(job, path));
      if (status.isDirectory() && depth < deepest) {
        const before = files.length;
        const leftBefore = leftOut.length;
        visit(path, depth + 1);
        if (files.length > before) continue;
        leftOut.splice(leftBefore, leftOut.length - leftBefore, `${path}/`);
        continue;
      }
      const kind = status.isFile() ? kindOf(path) : undefined;
      if (kind) files.push({ path, kind });
      else leftOut.push(path);
    }
  };
  visit('', 0);
  return { files: files.sort((a, b) => byCodeUnit(a.path, b.path)), leftOut };
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
