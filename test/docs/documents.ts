import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../shared_data.ts';

/** A command line that a document shows. */
export interface ShownCommand {
  readonly file: string;
  readonly line: number;
  readonly words: readonly string[];
}

/** Documents for users, relative to the root. */
export const documents: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'data/README.md',
  'jobs/README.md',
  'original/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** First words of command lines; other lines of a block are listings or formulas. */
const programs =
  /^(npm|npx|node|ecg-transplant|python3?|pip|sudo|srun|rm|cd|git|docker|tensorboard|export|PATH|bash|sbatch|\.venv\/bin\/\w+|sha256sum)$/;
const assignment = /^[A-Z_]+=\S*$/;

/** The command lines of all documents: lines of code blocks without a language or of a shell, and code in sentences that begins with a program of this project. */
export function shownCommands(): ShownCommand[] {
  return documents.flatMap((file) => commandsOf(file, readFileSync(join(root, file), 'utf8')));
}

function commandsOf(file: string, text: string): ShownCommand[] {
  const found: ShownCommand[] = [];
  let fence: string | undefined;
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const mark = /^```(\w*)/.exec(line);
    if (mark) {
      fence = fence === undefined ? mark[1] : undefined;
      continue;
    }
    if (fence !== undefined && !['', 'sh', 'bash', 'shell'].includes(fence)) continue;
    if (fence !== undefined || /^ {4}\S/.test(line)) {
      const begin = i;
      let whole = line.trim();
      while (whole.endsWith('\\')) whole = `${whole.slice(0, -1).trim()} ${lines[++i].trim()}`;
      for (const part of whole.split(/\s(?:&&|\|\||;|\|)\s/)) add(found, file, begin + 1, part);
    } else {
      const spans = [...line.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
      for (const code of spans) {
        // A bare name is a mention.
        if (/^((npm run|npx ecg-transplant|npx zx|ecg-transplant|node scripts)\s+\S|npm test)/.test(code))
          add(found, file, i + 1, code);
      }
    }
  }
  return found;
}

function add(found: ShownCommand[], file: string, line: number, text: string): void {
  const words = text
    .replace(/\s+#(\s.*)?$/, '')
    // An explanation in a column of its own.
    .replace(/\s{3,}(?!-).*$/, '')
    .replace(/^\$ /, '')
    .trim()
    .split(/\s+/);
  while (words.length > 0 && assignment.test(words[0])) words.shift();
  if (words.length > 0 && programs.test(words[0])) found.push({ file, line, words });
}
