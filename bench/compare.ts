// Compares two ways of doing one thing in one run: interleaved rounds, medians, and the ratio, which is what counts.

import { performance } from 'node:perf_hooks';

/** One way of doing it: `count` times in a row, returning the milliseconds that count. */
export type Way = (count: number) => number | Promise<number>;

export interface Comparison {
  readonly title: string;
  /** Median time of one operation, in microseconds. */
  readonly oursUs: number;
  readonly theirsUs: number;
  /** What nine of ten stay below; absent where operations were not timed one by one. */
  readonly p90?: { readonly oursUs: number; readonly theirsUs: number };
  /** Ours divided by theirs, median of the rounds: below one is faster. */
  readonly ratio: number;
  /** The middle half of the ratios. */
  readonly spread: readonly [number, number];
}

/** Runs both ways in turn, so that noise of the machine hits both alike. */
export async function compare(
  title: string,
  ours: Way,
  theirs: Way,
  rounds: number,
  count: number,
): Promise<Comparison> {
  const measured: { ours: number; theirs: number }[] = [];
  await ours(count);
  await theirs(count);
  for (let round = 0; round < rounds; round += 1) {
    // Who goes first changes, so that neither always finds a warm cache.
    const first = round % 2 === 0;
    const one = await (first ? ours : theirs)(count);
    const other = await (first ? theirs : ours)(count);
    measured.push(first ? { ours: one, theirs: other } : { ours: other, theirs: one });
  }
  const ratios = measured.map((round) => round.ours / round.theirs);
  const us = (values: number[]) => (quantile(values, 0.5) * 1000) / count;
  return {
    title,
    oursUs: us(measured.map((round) => round.ours)),
    theirsUs: us(measured.map((round) => round.theirs)),
    ratio: quantile(ratios, 0.5),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
}

/** One operation, timed by itself: the milliseconds that count, which need not be all that it takes. */
export type Single = () => Promise<number>;

/** How many of one way before the other: a fork leaves memory behind that whoever comes next has to fault in again. */
const IN_A_ROW = 10;

/** Times operations one by one: what they take at worst counts as well as what they take as a rule. */
export async function compareSingles(
  title: string,
  ours: Single,
  theirs: Single,
  rounds: number,
  inARow = IN_A_ROW,
): Promise<Comparison> {
  const measured: Record<'ours' | 'theirs', number[]> = { ours: [], theirs: [] };
  const several = async (one: Single, into: number[]) => {
    await one();
    for (let at = 0; at < inARow; at += 1) into.push(await one());
  };
  for (let round = 0; round < rounds / inARow; round += 1) {
    const inTurn = [() => several(ours, measured.ours), () => several(theirs, measured.theirs)];
    for (const way of round % 2 === 0 ? inTurn : inTurn.reverse()) await way();
  }
  return comparisonOf(title, measured);
}

/** What single operations took, in milliseconds, compared. */
export function comparisonOf(
  title: string,
  measured: { readonly ours: readonly number[]; readonly theirs: readonly number[] },
): Comparison {
  const us = (part: number) => ({
    oursUs: quantile(measured.ours, part) * 1000,
    theirsUs: quantile(measured.theirs, part) * 1000,
  });
  const ratios = measured.ours.map((ms, round) => ms / (measured.theirs[round] ?? Number.NaN));
  return {
    title,
    ...us(0.5),
    p90: us(0.9),
    ratio: us(0.5).oursUs / us(0.5).theirsUs,
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
}

/** Milliseconds that a synchronous operation takes, done `count` times. */
export function timed(operation: () => void): Way {
  return (count) => {
    const started = performance.now();
    for (let at = 0; at < count; at += 1) operation();
    return performance.now() - started;
  };
}

/** Milliseconds from start to end of `count` asynchronous operations, one after the other. */
export function timedInTurn(operation: () => Promise<unknown>): Way {
  return async (count) => {
    const started = performance.now();
    for (let at = 0; at < count; at += 1) await operation();
    return performance.now() - started;
  };
}

/** The value that this part of all stays below. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
