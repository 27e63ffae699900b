// Makes the tables and the plot of the documents from what `npm run bench -- --json=FILE` wrote, of one or more runs:
//
//   npx tsx bench/report.ts FILE…    takes these figures from now on; those of `scale` from the last that has some
//   npx tsx bench/report.ts          makes all of it once more from those at hand

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Figures } from './all.ts';
import { type Bar, plot } from './plot.ts';
import { plotCurves } from './plot-curves.ts';
import { type Measured, memoryTable, scaleTable } from './scale/table.ts';

export interface Row extends Bar {
  readonly oursUs: number;
  readonly theirsUs: number;
}

/** What the documents show, in this order, whether it is faster or slower; those of the front page first. */
const CHOSEN: readonly (readonly [title: RegExp, what: string, against: string])[] = [
  [/^kill of 200 siblings, against tree-kill/, 'end 200 processes', 'tree-kill'],
  [/^kill of 200 siblings, against pidtree/, 'end 200 processes', 'pidtree and kill'],
  [/^spawn holds the JavaScript thread, stdio pipe, 40\d\d MB/, 'thread held by a spawn, at 4 GB', 'child_process'],
  [/^spawn holds the JavaScript thread, stdio pipe, \d\d MB/, 'thread held by a spawn, at 50 MB', 'child_process'],
  [/^spawn holds the JavaScript thread, stdio ignore, \d\d MB/, 'the same with nothing passed on', 'child_process'],
  [/^spawn to exit of `true`, against child_process/, 'spawn to exit of `true`', 'child_process'],
  [/^spawn to exit of `true`, against execa/, 'spawn to exit of `true`', 'execa'],
  [/^spawn into a group at birth/, 'spawn into a control group', 'moving it there'],
  [/^from a kill to the callback, 0 live/, 'kill to callback, no other children', 'child_process'],
  [/^from a kill to the callback, 2000 live/, 'kill to callback, 2000 other children', 'child_process'],
  [/^an exit costs the whole program, 0 live/, 'processor time of an exit, no other children', 'child_process'],
  [/^an exit costs the whole program, 2000 live/, 'processor time of an exit, 2000 others', 'child_process'],
  [/^10000 children end at once/, '10000 children end at once, each', 'child_process'],
  [/^spawn to exit of `true`, against os\/exec of Go/, 'spawn to exit of `true`', 'os/exec of Go'],
  [/^readFileSync self\/status/, 'readFileSync of /proc/self/status', 'node:fs, unverified'],
  [/^readFile self\/status/, 'readFile of /proc/self/status', 'node:fs, unverified'],
  [/^open and close self\/status, against plain openat/, 'core: open a file of /proc', 'openat, unverified'],
  [/^open and close self\/status, against pathrs$/, 'core: open a file of /proc', 'libpathrs'],
  [/^open and close self\/status by the core, against pathrs-lite/, 'core: open a file of /proc', 'pathrs-lite of Go'],
  [/^spawn to exit of `true` by the core, against std/, 'core: spawn to exit of `true`', 'std::process of Rust'],
  [
    /^spawn to exit of `true` by the core, against posix_spawn/,
    'core: spawn to exit of `true`',
    'posix_spawn, nothing held',
  ],
  [/^spawn to exit of `true` by the core, against os\/exec/, 'core: spawn to exit of `true`', 'os/exec of Go'],
  [/^list 2000 processes, against ps-list/, 'list 2000 processes', 'ps-list'],
  [/^list 2000 processes, against systeminformation/, 'list 2000 processes', 'systeminformation'],
  [/^usage of 200 processes, against pidusage/, 'processor time and memory of 200 processes', 'pidusage'],
  [/^v2 freeze in a fork storm/, 'freeze (v2) in a fork storm', 'write, sleep 10 ms, look'],
  [/^v1 freeze in a spawn storm of 8/, 'freeze (v1) in a storm of 8 that spawn', 'the bounce loop of runc'],
  [/^v1 freeze in a spawn storm of 32/, 'freeze (v1) in a storm of 32 that spawn', 'the bounce loop of runc'],
  [/^freezeAll of 20 groups/, 'freeze 20 groups', 'one by one'],
];
const FRONT_PAGE = 10;

/** Of each line that is shown the run whose ratio is the median. */
export function rows(runs: readonly Figures[]): Row[] {
  const all = runs.flatMap(({ comparisons }) => comparisons);
  return CHOSEN.flatMap(([title, what, against]) => {
    const measured = all.filter((comparison) => title.test(comparison.title));
    const [median] = measured.toSorted((a, b) => a.ratio - b.ratio).slice(Math.floor(measured.length / 2));
    if (median === undefined) return [];
    const { oursUs, theirsUs, ratio } = median;
    return [{ what, against, oursUs, theirsUs, ratio }];
  });
}

/** A table for a page. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ what, against, oursUs, theirsUs, ratio }) =>
      `| ${what} | ${time(oursUs)} | ${time(theirsUs)} (${against}) | ${ratio.toFixed(ratio < 0.1 ? 3 : 2)} |`,
  );
  return ['| | procward | the other | ratio |', '|---|---:|---:|---:|', ...lines].join('\n');
}

function time(us: number): string {
  const [value, unit] = us < 1000 ? [us, 'µs'] : us < 1e6 ? [us / 1000, 'ms'] : [us / 1e6, 's'];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** The text of a page with the table put between its marks. */
export function withTable(page: string, content: string): string {
  return page.replace(
    /(<!-- made by bench\/report\.ts -->\n)[\s\S]*?(\n<!-- end -->)/,
    (_, start, end) => start + content + end,
  );
}

const root = fileURLToPath(new URL('..', import.meta.url));
const figures = `${root}bench/figures.json`;
const scaleFigures = `${root}bench/scale/figures.json`;
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** What every made file has to say, by its path. */
export function report(): Map<string, string> {
  const shown = rows(read(figures) as Figures[]);
  const page = (path: string, content: string) => withTable(readFileSync(root + path, 'utf8'), content);
  const measured = read(scaleFigures) as Measured;
  const scale = `${scaleTable(measured)}\n\n${memoryTable(measured)}`;
  return new Map([
    ['README.md', page('README.md', table(shown.slice(0, FRONT_PAGE)))],
    ['docs/benchmarks.md', page('docs/benchmarks.md', table(shown))],
    ['docs/benchmarks.svg', plot(shown)],
    ['docs/scale.md', page('docs/scale.md', scale)],
    ['docs/scale.svg', plotCurves(measured.scale.curves)],
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , ...files] = process.argv;
  const runs = files.map(read) as Figures[];
  const compared = runs.filter(({ comparisons }) => comparisons.length > 0);
  const scaled = runs.findLast(({ scale }) => scale !== undefined);
  if (compared.length > 0) writeFileSync(figures, `${JSON.stringify(compared)}\n`);
  if (scaled !== undefined) writeFileSync(scaleFigures, `${JSON.stringify(scaled)}\n`);
  for (const [path, content] of report()) writeFileSync(root + path, content);
}
