// A plot of ratios as an SVG: bars from "as fast" to the right for what is faster, to the left for what is slower. It is
// readable on light and dark pages.

export interface Bar {
  readonly what: string;
  readonly against: string;
  /** Ours divided by theirs: below one is faster. */
  readonly ratio: number;
}

const LINE = 24;
const TOP = 44;
const WIDTH = 900;
/** Where the labels end, and how far the bars may go. */
const LEFT = 430;
const RIGHT = WIDTH - 64;

/** Readable on light and dark pages. */
export const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.dim { fill: #59636e }
.axis { stroke: #d1d9e0 }
.one { stroke: #59636e }
.faster { fill: #1a7f37 }
.slower { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .dim { fill: #9198a1 }
  .axis { stroke: #3d444d }
  .one { stroke: #9198a1 }
  .faster { fill: #3fb950 }
  .slower { fill: #db6d28 }
}
</style>`;

/** How often as fast, on a logarithmic scale. */
export function plot(bars: readonly Bar[]): string {
  const factors = bars.map(({ ratio }) => 1 / ratio);
  const [least, most] = [
    Math.floor(Math.log10(Math.min(1, ...factors))),
    Math.ceil(Math.log10(Math.max(10, ...factors))),
  ];
  const x = (factor: number) => LEFT + ((Math.log10(factor) - least) / (most - least)) * (RIGHT - LEFT);
  const height = TOP + bars.length * LINE + 12;
  const ticks = Array.from({ length: most - least + 1 }, (_, at) => 10 ** (least + at));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="How often as fast as the other">`,
    STYLE,
    `<text x="0" y="16" font-weight="600">How often as fast as the other (logarithmic)</text>`,
    ...ticks.flatMap((tick) => [
      `<line class="${tick === 1 ? 'one' : 'axis'}" x1="${round(x(tick))}" x2="${round(x(tick))}" y1="${TOP - 8}" y2="${height - 8}"/>`,
      `<text class="dim" x="${round(x(tick))}" y="${TOP - 14}" text-anchor="middle">×${tick}</text>`,
    ]),
    ...bars.flatMap((bar, at) => drawBar(bar, TOP + at * LINE, x)),
    '</svg>',
    '',
  ].join('\n');
}

function drawBar({ what, against, ratio }: Bar, y: number, x: (factor: number) => number): string[] {
  const factor = 1 / ratio;
  const [from, to] = [Math.min(x(1), x(factor)), Math.max(x(1), x(factor))];
  const shown = factor >= 10 ? Math.round(factor) : factor.toFixed(factor < 1 ? 2 : 1);
  return [
    `<text x="${LEFT - 12}" y="${y + 13}" text-anchor="end">${literal(what)} <tspan class="dim">vs ${literal(against)}</tspan></text>`,
    `<rect class="${ratio < 1 ? 'faster' : 'slower'}" x="${round(from)}" y="${y + 2}" width="${round(Math.max(1, to - from))}" height="15" rx="2"/>`,
    `<text x="${round(to + 6)}" y="${y + 14}">×${shown}</text>`,
  ];
}

export const round = (value: number) => Math.round(value * 10) / 10;
export const literal = (text: string) => text.replaceAll('`', '').replaceAll('&', '&amp;').replaceAll('<', '&lt;');
