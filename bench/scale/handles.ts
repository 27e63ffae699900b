// Handles by the hundred thousand, opened and closed one after the other.

import { Cgroup, Process, Procfs, procfs } from 'procward';
import { type Curve, curves } from './curve.ts';

export interface Handle {
  close(): void;
}

/** By name; groups are opened by their path. */
export function kinds(path: string): Readonly<Record<string, () => Handle>> {
  const proc = procfs();
  return {
    Process: () => Process.open(process.pid),
    ProcFile: () => proc.openSync('self', 'status'),
    Procfs: () => Procfs.openSync(),
    Cgroup: () => Cgroup.open(path),
  };
}

/** Opened and closed: descriptors are used again, so there is no limit to how many. */
export function handles(path: string, counts: readonly number[]): Promise<Curve[]> {
  const steps = (count: number) =>
    Object.entries(kinds(path)).map(([name, open]) => {
      const step = () => {
        for (let at = 0; at < count; at += 1) open().close();
      };
      return [`open and close a ${name}`, step] as const;
    });
  return curves('handles', counts, async (count) => Object.fromEntries(steps(count)));
}
