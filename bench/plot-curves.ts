// A plot of curves as an SVG: what one of many costs, as there are more of them; one panel for each subject, both axes logarithmic.
// What does not depend on how many there are is a level line.

import { literal, round, STYLE } from './plot.ts';
import type { Curve } from './scale/curve.ts';

const WIDTH = 900;
const PANEL = 320;
const TOP = 56;
/** Where the curves begin and end; their names stand to the right, as far apart as lines of text are. */
const LEFT = 64;
const RIGHT = 560;
const LINE = 17;

export function plotCurves(curves: readonly Curve[]): string {
  const subjects = [...new Set(curves.map(({ subject }) => subject))];
  const panels = subjects.map((subject, at) =>
    drawPanel(
      subject,
      curves.filter((curve) => curve.subject === subject),
      TOP + at * PANEL,
    ),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + subjects.length * PANEL}" role="img" aria-label="What one of many costs">`,
    STYLE,
    '<style>.curve { fill: none; stroke: #1a7f37; stroke-width: 1.5 } .point { fill: #1a7f37 }</style>',
    '<text x="0" y="16" font-weight="600">Processor time of one, as there are more of them (both logarithmic)</text>',
    ...panels.flat(),
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel(subject: string, curves: readonly Curve[], top: number): string[] {
  const points = curves.flatMap((curve) => curve.points);
  const [fewest, most] = decades(points.map(({ count }) => count));
  const [least, largest] = decades(points.map(({ cpuUs }) => cpuUs));
  const bottom = top + PANEL - 60;
  const x = (count: number) => LEFT + ((Math.log10(count) - fewest) / (most - fewest)) * (RIGHT - LEFT);
  const y = (us: number) => bottom - ((Math.log10(us) - least) / (largest - least)) * (bottom - top);
  const labels = apart(curves.map(({ points }) => y(points.at(-1)?.cpuUs ?? 1)));
  return [
    `<text x="0" y="${top - 12}" font-weight="600">${literal(subject)}</text>`,
    ...ticks(least, largest).map(
      (us) =>
        `<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${round(y(us))}" y2="${round(y(us))}"/>` +
        `<text class="dim" x="${LEFT - 8}" y="${round(y(us) + 4)}" text-anchor="end">${us < 1000 ? `${us} µs` : `${us / 1000} ms`}</text>`,
    ),
    ...ticks(fewest, most).map(
      (count) =>
        `<text class="dim" x="${round(x(count))}" y="${bottom + 18}" text-anchor="middle">${count.toLocaleString('en')}</text>`,
    ),
    ...curves.flatMap(({ what, points }, at) => [
      `<polyline class="curve" points="${points.map(({ count, cpuUs }) => `${round(x(count))},${round(y(cpuUs))}`).join(' ')}"/>`,
      ...points.map(
        ({ count, cpuUs }) => `<circle class="point" cx="${round(x(count))}" cy="${round(y(cpuUs))}" r="2.5"/>`,
      ),
      `<text x="${RIGHT + 12}" y="${round((labels[at] ?? 0) + 4)}">${literal(what)}</text>`,
    ]),
  ];
}

/** The powers of ten that enclose them, as exponents. */
function decades(values: readonly number[]): [number, number] {
  const from = Math.floor(Math.log10(Math.min(...values)));
  return [from, Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values))))];
}

const ticks = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => 10 ** (from + at));

/** Those places, moved down as far as it takes for lines of text not to cover each other. */
function apart(places: readonly number[]): number[] {
  const moved = [...places];
  let free = Number.NEGATIVE_INFINITY;
  const order = places.map((_, at) => at).toSorted((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  for (const at of order) {
    moved[at] = Math.max(places[at] ?? 0, free);
    free = (moved[at] ?? 0) + LINE;
  }
  return moved;
}
