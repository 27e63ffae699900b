// What one of many costs, as there are more of them.

import { performance } from 'node:perf_hooks';
import { quantile } from '../compare.ts';

export interface Curve {
  readonly subject: Subject;
  readonly what: string;
  readonly points: readonly Point[];
}

/** One item of so many. */
export interface Point {
  readonly count: number;
  /** On the clock. */
  readonly us: number;
  /** Of a processor, in this program and for it in the kernel. */
  readonly cpuUs: number;
}

export type Subject = 'groups' | 'processes' | 'handles';

/** What one item holds for as long as it is open or alive. */
export interface Held {
  readonly what: string;
  readonly count: number;
  readonly bytesEach: number;
  readonly descriptorsEach: number;
}

export interface Scale {
  readonly curves: readonly Curve[];
  readonly held: readonly Held[];
}

/** Steps that are taken with many items, one after the other, each timed as a whole; one that returns a number was taken with so many. */
export type Steps = Readonly<Record<string, () => unknown>>;

/** Few items take no time, and are done again: about as many as this in all. */
const ITEMS = 2000;

/** Takes all steps at each of the counts; the median of the rounds of each count counts. */
export async function curves(
  subject: Subject,
  counts: readonly number[],
  start: (count: number) => Promise<Steps>,
): Promise<Curve[]> {
  const points = new Map<string, Point[]>();
  for (const count of counts) {
    const rounds = new Map<string, Point[]>();
    for (let done = 0; done === 0 || done < ITEMS; done += count) {
      for (const [what, step] of Object.entries(await start(count))) {
        rounds.set(what, [...(rounds.get(what) ?? []), { count, ...(await timed(step, count)) }]);
      }
    }
    for (const [what, measured] of rounds) {
      const median = (of: 'us' | 'cpuUs') =>
        quantile(
          measured.map((point) => point[of]),
          0.5,
        );
      points.set(what, [...(points.get(what) ?? []), { count, us: median('us'), cpuUs: median('cpuUs') }]);
    }
  }
  return [...points].map(([what, points]) => ({ subject, what, points }));
}

async function timed(step: () => unknown, count: number) {
  const [before, started] = [process.cpuUsage(), performance.now()];
  const result = await step();
  const items = typeof result === 'number' ? result : count;
  const us = (performance.now() - started) * 1000;
  const { user, system } = process.cpuUsage(before);
  return { us: us / items, cpuUs: (user + system) / items };
}
