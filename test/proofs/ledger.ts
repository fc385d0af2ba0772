import { shownTwin, twinOf } from './twins.ts';

/** What a ledger is made of. */
export interface LedgerSources {
  /** Public names of the original, such as `transplant.evaluation.f1`, by the path of their module. */
  readonly symbols: Readonly<Record<string, readonly string[]>>;
  /** Where a name is proved, as Markdown, by name. */
  readonly proofs: ReadonlyMap<string, readonly string[]>;
  /** Why a name has no twin, by name; `*.NAME` stands for that name in every module or class. */
  readonly reasons: Readonly<Record<string, string>>;
}

/** The text of PARITY.md, and what is missing or not needed any more. */
export async function ledgerOf({
  symbols,
  proofs,
  reasons,
}: LedgerSources): Promise<{ text: string; faults: string[] }> {
  const faults: string[] = [];
  const unused = new Set(Object.keys(reasons));
  const sections: string[] = [];
  for (const [module, names] of Object.entries(symbols)) {
    const twinFile = `src/port/${module.replace(/\.py$/, '.ts')}`;
    const prefix = `${module.replace(/\.py$/, '').replaceAll('/', '.')}.`;
    const rows: string[] = [];
    for (const name of names) {
      const key = [name, `*.${name.split('.').at(-1)}`].find((one) => one in reasons);
      const found = proofs.get(name) ?? [];
      const short = name.slice(prefix.length);
      if (key !== undefined && found.length === 0) {
        unused.delete(key);
        const twin = await twinOf(name).catch(() => undefined);
        if (twin?.value !== undefined) faults.push(`${name}: ${twin.file} exports ${shownTwin(twin)}: prove it`);
        rows.push(`| \`${short}\` | none | ${reasons[key]} |`);
        continue;
      }
      if (found.length === 0) faults.push(`${name}: no test or suite case declares that it proves it`);
      const twin = await twinOf(name).catch((error: Error) => void faults.push(error.message));
      if (!twin) continue;
      if (twin.value === undefined) faults.push(`${name}: ${twin.file} exports no ${shownTwin(twin)}`);
      rows.push(`| \`${short}\` | \`${shownTwin(twin)}\` | ${found.slice(0, 3).join(', ') || '**none**'} |`);
    }
    if (rows.length === 0) continue;
    const head = ['| Python | TypeScript | proved by, or why there is no twin |', '|---|---|---|'];
    sections.push([`## \`${module}\` → \`${twinFile}\``, '', ...head, ...rows].join('\n'));
  }
  const known = new Set(Object.values(symbols).flat());
  for (const name of proofs.keys())
    if (!known.has(name)) faults.push(`${name}: proved, but not a public name of original/`);
  for (const key of unused) faults.push(`scripts/parity-exceptions.json: ${key} is not needed any more`);
  return { text: `${introduction}\n${sections.join('\n\n')}\n`, faults };
}

const introduction = `# Parity ledger

Every public name of \`original/\`, its twin in \`src/port/\`, and the tests and suite cases that prove both do the same. \`npm run parity\` writes
this file.

A test declares what it proves: \`proves('transplant.evaluation.f1')\`. While the test runs, both sides record which of their functions run, and
the test fails unless it really called both. A suite case declares the same in its field \`proves\`. A name without a twin needs a reason in
\`scripts/parity-exceptions.json\`.
`;
