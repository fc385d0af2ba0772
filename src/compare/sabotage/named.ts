import type { NamedMutant } from './mutants.ts';
import { namedInData } from './named_data.ts';
import { namedInNetworks } from './named_networks.ts';

/** Every error made by hand, in the order of a value's way. */
export const namedMutants: readonly NamedMutant[] = [...namedInData, ...namedInNetworks];
