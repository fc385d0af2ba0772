import type { Shim } from '../../bridge/original.ts';
import type { Findings } from '../comparison.ts';
import type { Sides } from '../report/model.ts';
import type { CaseName, CompareSettings } from './context.ts';

/** How a worker of a comparison is started. */
export interface WorkerSettings extends CompareSettings {
  /** URL of the module with the list `suites`. */
  readonly suites: string;
}

/** What a worker is asked to do. */
export type Request =
  | ({ readonly kind: 'open' } & WorkerSettings)
  | { readonly kind: 'run'; readonly one: CaseName }
  /** The shims that its Python has used so far. */
  | { readonly kind: 'shims' };

/** What it answers. */
export type Reply =
  | { readonly kind: 'opened'; readonly sides: Sides; readonly shims: readonly Shim[] }
  | {
      readonly kind: 'ran';
      readonly findings: Findings;
      /** Python has died, so the worker can run no other case. */
      readonly lost: boolean;
    }
  | { readonly kind: 'shims'; readonly shims: readonly Shim[] };
