/** What a look at a mutant that no case noticed has shown. */
export interface Verdict {
  /** `equivalent`: no input could tell it from the port. `gap`: the suites do not look there. */
  readonly is: 'equivalent' | 'gap';
  readonly because: string;
}

/** Verdicts by the mutant's id; a survivor without one counts as a gap. */
export const verdicts: { readonly [id: string]: Verdict } = {};
