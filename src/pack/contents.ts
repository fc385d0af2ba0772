import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** How a file of a job is packed. */
export interface Kind {
  readonly name: RegExp;
  /** `json`, `lines` (JSON per line) and `text` are rid of absolute paths; `data` and `binary` are packed as they are. */
  readonly form: 'json' | 'lines' | 'text' | 'data' | 'binary';
  /** What it tells of single patients: nothing, perhaps something (`mentions`), or nothing else (`rows`). */
  readonly records?: 'mentions' | 'rows';
}

/** What belongs to a finished run, by the path below its folder. Everything else stays behind: data, checkpoints, logs, locks. */
const kinds: readonly Kind[] = [
  { name: /(^|\/)(config|model|preprocessing|complete|experiment|scores)\.json$/, form: 'json' },
  { name: /(^|\/)report\.json$/, form: 'json', records: 'mentions' },
  { name: /(^|\/)(report|scores)\.md$/, form: 'text', records: 'mentions' },
  { name: /(^|\/)junit\.xml$/, form: 'text', records: 'mentions' },
  // Its pictures show stretches of recordings.
  { name: /(^|\/)report\.html$/, form: 'text', records: 'rows' },
  { name: /(^|\/)events\.jsonl$/, form: 'lines', records: 'rows' },
  { name: /(^|\/)history\.csv$/, form: 'data' },
  { name: /(^|\/)(\w+_)?predictions\.csv$/, form: 'data', records: 'rows' },
  { name: /(^|\/)predictions\/.+\.csv$/, form: 'data', records: 'rows' },
  { name: /\.weights\.h5$/, form: 'binary' },
];

/** How a file of a run is packed, by its path below the run's folder; undefined if it is not. */
export function kindOf(path: string): Kind | undefined {
  return kinds.find((kind) => kind.name.test(path));
}

/** A file of a job folder. */
export interface JobFile {
  /** Path below the folder, with `/`. */
  readonly path: string;
  readonly kind: Kind;
}

/** What of a folder is packed, sorted by path, and what is not: files by name, folders as a whole where nothing of them is packed. */
export interface Contents {
  readonly files: readonly JobFile[];
  readonly leftOut: readonly string[];
}

/** Folders below one another; deeper ones are not looked into. */
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
