import type { SuiteName } from '../suite.ts';
import { namedInData } from './named_data.ts';
import { namedInNetworks } from './named_networks.ts';

/** An error that somebody could make, put into one place of the port. */
export interface NamedMutant {
  /** Unique; what the error is. */
  readonly name: string;
  /** Path below `src`. */
  readonly file: string;
  /** Text that occurs there once, and what it becomes. */
  readonly search: string;
  readonly replacement: string;
  /** The suite that has to notice. */
  readonly suite: SuiteName;
  /** The case that has to, where no small one looks there. */
  readonly case?: string;
}

/** Every error made by hand, in the order of a value's way. */
export const namedMutants: readonly NamedMutant[] = [...namedInData, ...namedInNetworks];
