// All that the load does, and how often: each resolves when it has seen that what it was told is true, and rejects if not.

import type { Random } from './random.ts';
import type { Room } from './room.ts';

export interface Tools {
  readonly random: Random;
  readonly room: Room;
}

export type Work = (tools: Tools) => Promise<void>;

/** By name, with how often of all it is done, against the others. */
export type Works = Readonly<Record<string, { readonly share: number; readonly work: Work }>>;
