// Where the load may make control groups: below one of its own in each hierarchy that can be written to.

import { Cgroup, type GroupMatcher } from 'procward';

export type Hierarchy = 'unified' | 'freezer' | 'pids';

export const HIERARCHIES: Readonly<Record<Hierarchy, GroupMatcher>> = {
  unified: { unified: true },
  freezer: { controller: 'freezer' },
  pids: { controller: 'pids' },
};

export class Room {
  readonly #path: string;
  readonly hierarchies: readonly Hierarchy[];
  #count = 0;

  constructor(path: string, hierarchies: readonly Hierarchy[]) {
    this.#path = path;
    this.hierarchies = hierarchies;
  }

  has(hierarchy: Hierarchy): boolean {
    return this.hierarchies.includes(hierarchy);
  }

  /** A new group, which whoever asks removes. */
  create(hierarchy: Hierarchy): Cgroup {
    this.#count += 1;
    return Cgroup.create(`${this.#path}/${this.#count}`, HIERARCHIES[hierarchy]);
  }
}
