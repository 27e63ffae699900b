// Every benchmark but `scale`: `npm run bench`, or `npm run bench -- --quick`; one suite by its name, as in `npm run bench -- spawn`;
// the figures also as JSON with `--json=FILE`, for report.ts.

import { writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as cgroup from './cgroup.ts';
import type { Comparison } from './compare.ts';
import * as core from './core.ts';
import * as go from './go.ts';
import * as exits from './process.ts';
import * as procfs from './procfs.ts';
import * as ps from './ps.ts';
import type { Scale } from './scale/curve.ts';
import { describe, measureScale } from './scale.ts';
import * as spawn from './spawn.ts';
import * as usage from './usage.ts';

/** What `--json=FILE` writes. */
export interface Figures {
  readonly machine: { readonly kernel: string; readonly processors: number; readonly node: string };
  readonly quick: boolean;
  readonly comparisons: readonly Comparison[];
  /** Where `scale` was named. */
  readonly scale?: Scale;
}

const suites = { core, procfs, ps, usage, spawn, go, process: exits, cgroup };
const [...args] = process.argv.slice(2);
const quick = args.includes('--quick');
const file = args.find((arg) => arg.startsWith('--json='))?.slice('--json='.length);
const named = Object.entries(suites).filter(([name]) => args.includes(name));
const scaled = args.includes('scale');
const chosen = named.length > 0 || scaled ? named : Object.entries(suites);

const us = (value: number) => `${value.toFixed(1)} µs`;
const print = (title: string, ...columns: readonly string[]) =>
  console.log(title.padEnd(66), ...columns.map((column) => column.padStart(11)));

const comparisons: Comparison[] = [];
if (chosen.length > 0) print('', 'ours', 'theirs', 'ratio', 'middle half', 'ours p90', 'theirs p90', 'p90 ratio');
for (const [, suite] of chosen) {
  for (const comparison of (await suite.run(quick)) satisfies Comparison[]) {
    const { title, oursUs, theirsUs, ratio, spread, p90 } = comparison;
    const worst = p90 === undefined ? [] : [us(p90.oursUs), us(p90.theirsUs), (p90.oursUs / p90.theirsUs).toFixed(3)];
    const middle = spread.map((part) => part.toFixed(2)).join('–');
    print(title, us(oursUs), us(theirsUs), ratio.toFixed(3), middle, ...worst);
    comparisons.push(comparison);
  }
}
const scale = scaled ? await measureScale(quick) : undefined;
for (const line of scale === undefined ? [] : describe(scale)) console.log(line);
if (file !== undefined) {
  const machine = { kernel: os.release(), processors: os.availableParallelism(), node: process.versions.node };
  writeFileSync(
    file,
    `${JSON.stringify({ machine, quick, comparisons, ...(scale && { scale }) } satisfies Figures, null, 2)}\n`,
  );
}
