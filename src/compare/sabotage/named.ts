import type { NamedMutant } from './mutants.ts';
import { namedInData } from './named_data.ts';
import { namedInNetworks } from './named_networks.ts';

/** Every hand-made error, in the order of the data flow. */
export const namedMutants: readonly NamedMutant[] = [...namedInData, ...namedInNetworks];
