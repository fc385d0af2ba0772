import { enterGpuParityMode } from '../../bridge/gpu.ts';
import { handshake } from '../../bridge/handshake.ts';
import { Original } from '../../bridge/original.ts';
import type { BridgeOptions } from '../../bridge/session.ts';
import { runtime } from '../../graph/runtime.ts';
import { root } from '../../lib/installation.mjs';
import { machine } from '../../lib/machine.ts';
import { type ComparisonData, generatedCollections, openCollections } from '../data.ts';
import { type Sides, sidesOf } from '../report/model.ts';
import type { SuiteContext, SuiteName } from '../suite.ts';

/** A case by its suite and name. */
export interface CaseName {
  readonly suite: SuiteName;
  readonly case: string;
}

/** What cases get besides the original. Plain data, because it is sent to another process. */
export interface CaseSettings extends Pick<SuiteContext, 'seed' | 'published' | 'trials'> {
  /** Real recordings, or a folder that `generatedCollections` fills. */
  readonly data: Pick<ComparisonData, 'kind' | 'folder'>;
}

/** What the cases of a run share. */
export type SharedContext = Omit<SuiteContext, 'scratch' | 'say' | 'observe'>;

/** How a comparison is started. Plain data, because it is sent to other processes. */
export interface CompareSettings {
  readonly bridge: BridgeOptions;
  /** Lock file of the Python packages. */
  readonly lock: string;
  readonly settings: CaseSettings;
}

/** Starts the Python original of this process and opens the recordings. */
export async function openShared(bridge: BridgeOptions, settings: CaseSettings): Promise<SharedContext> {
  const { kind, folder } = settings.data;
  const data = kind === 'real' ? openCollections(folder) : await generatedCollections(folder, settings.seed);
  return { original: await Original.open(bridge), ...settings, data };
}

/** As `openShared`, and checks that both sides run the same libraries. Throws BridgeStartError. */
export async function openChecked({
  bridge,
  lock,
  settings,
}: CompareSettings): Promise<{ readonly shared: SharedContext; readonly sides: Sides }> {
  if (bridge.gpu) enterGpuParityMode();
  runtime();
  const shared = await openShared(bridge, settings);
  try {
    return { shared, sides: sidesOf(machine(root), await handshake(shared.original, lock)) };
  } catch (error) {
    await shared.original.close();
    throw error;
  }
}
