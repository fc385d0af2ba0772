import type { BridgeOptions } from '../../bridge/session.ts';
import type { CaseName, CaseSettings } from '../workers/context.ts';

export type { CaseName } from '../workers/context.ts';

/** How a worker is started. */
export interface WorkerSettings {
  readonly bridge: BridgeOptions;
  readonly settings: CaseSettings;
}

/** What a worker is asked to do. */
export type Request =
  | ({ readonly kind: 'open' } & WorkerSettings)
  /** The cases that a tree has. */
  | { readonly kind: 'list'; readonly tree: string }
  /** Run a case of a tree. `hits`: a tree with probes, and where its module is. */
  | { readonly kind: 'run'; readonly tree: string; readonly one: CaseName; readonly hits?: string };

/** A case as `list` tells it. */
export interface ListedCase extends CaseName {
  readonly quick: boolean;
}

/** What became of a case. */
export interface CaseResult {
  readonly outcome: 'passed' | 'failed row' | 'broke off' | 'not runnable';
  /** The row that failed, or the reason why the case broke off. */
  readonly detail: string;
  readonly seconds: number;
  /** Numbers of the probes that it hit. */
  readonly hits: readonly number[];
}

/** What a worker answers to each request. */
export type Reply =
  | { readonly kind: 'opened' }
  | { readonly kind: 'listed'; readonly cases: readonly ListedCase[] }
  | { readonly kind: 'ran'; readonly result: CaseResult };
