// The rule by which a soak is judged, on what was held each time that the program had come to rest.
//
// Warm-up is the first third of the rests, and at least the first two thousand pieces of work: until then Node and malloc still
// take memory that they keep. From then on
// - descriptors, threads and groups are, at every rest, what they were at the first one, and there is no process and no zombie;
// - a line through the resident memory that belongs to no file does not rise by more than 8 MB from the first rest to the last
//   one, and one through the JavaScript heap not by more than 1 MB; twice as much where fewer than ten thousand pieces of work
//   were judged, in which memory that is kept for the next one still grows. The line is that of Theil and Sen: the median of the slopes
//   between any two points, which no single outlier moves;
// - nothing was told wrongly, at any time: not even in the warm-up.
// Fewer than six rests after the warm-up prove nothing, and do not pass.

import type { Holdings } from './observe.ts';

/** One rest. */
export interface Sample extends Holdings {
  readonly atMs: number;
  readonly operations: number;
  readonly heapBytes: number;
}

const WARM_UP = { part: 1 / 3, operations: 2000 };
const FEWEST = 6;
const MB = 1024 ** 2;
const RISES = { memoryBytes: 8 * MB, heapBytes: MB } as const;
const MANY = 10_000;
const EQUAL = ['descriptors', 'threads', 'groups'] as const;
const NONE = ['processes', 'zombies'] as const;

export interface Verdict {
  /** What is wrong; nothing when it passed. */
  readonly findings: readonly string[];
  /** How far each line rises from the first rest that is judged to the last one. */
  readonly rises: Readonly<Record<keyof typeof RISES, number>>;
  /** Rests, pieces of work and time that were judged. */
  readonly judged: { readonly rests: number; readonly operations: number; readonly ms: number };
}

export function judge(samples: readonly Sample[], wrong: readonly string[]): Verdict {
  const judged = afterWarmUp(samples);
  const [first, last] = [judged[0], judged.at(-1)];
  const findings = [...wrong];
  const rises = { memoryBytes: rise(judged, 'memoryBytes'), heapBytes: rise(judged, 'heapBytes') };
  if (first === undefined || last === undefined || judged.length < FEWEST) {
    findings.push(`${judged.length} rests after the warm-up are too few: it takes ${FEWEST}`);
    return { findings, rises, judged: { rests: judged.length, operations: 0, ms: 0 } };
  }
  for (const what of EQUAL) findings.push(...differing(judged, what, first[what]));
  for (const what of NONE) findings.push(...differing(judged, what, 0));
  const [operations, ms] = [last.operations - first.operations, last.atMs - first.atMs];
  for (const what of ['memoryBytes', 'heapBytes'] as const) {
    const most = operations < MANY ? 2 * RISES[what] : RISES[what];
    if (rises[what] > most) findings.push(`${what} rises by ${rises[what].toFixed(0)}, more than ${most}`);
  }
  return { findings, rises, judged: { rests: judged.length, operations, ms } };
}

/** Whether it has gone on for long enough to be judged. */
export function isEnough(samples: readonly Sample[]): boolean {
  return afterWarmUp(samples).length >= FEWEST;
}

function afterWarmUp(samples: readonly Sample[]): readonly Sample[] {
  return samples
    .slice(Math.floor(samples.length * WARM_UP.part))
    .filter(({ operations }) => operations >= WARM_UP.operations);
}

function differing(samples: readonly Sample[], what: keyof Holdings, expected: number): string[] {
  const others = samples.filter((sample) => sample[what] !== expected);
  const [first] = others;
  if (first === undefined) return [];
  return [
    `${what}: ${first[what]} instead of ${expected} after ${Math.round(first.atMs / 1000)} s, ${others.length} rests in all`,
  ];
}

/** How far the line of Theil and Sen rises from the first sample to the last one. */
function rise(samples: readonly Sample[], what: 'memoryBytes' | 'heapBytes'): number {
  const slopes = samples.flatMap((from, at) =>
    samples.slice(at + 1).map((to) => (to[what] - from[what]) / (to.atMs - from.atMs)),
  );
  const slope = slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? 0;
  return slope * ((samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0));
}
