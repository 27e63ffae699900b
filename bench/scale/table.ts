// The tables of docs/scale.md.

import type { Figures } from '../all.ts';
import type { Point, Scale } from './curve.ts';

/** A run in which `scale` was measured. */
export type Measured = Figures & { readonly scale: Scale };

/** One line for each step, one column for each count: time, and in brackets the part of it that a processor worked. */
export function scaleTable({ scale: { curves } }: Measured): string {
  const lines = curves.map(({ subject, what, points }) => {
    const [fewest, most] = [points[0], points.at(-1)];
    const growth = fewest === undefined || most === undefined ? Number.NaN : most.cpuUs / fewest.cpuUs;
    return `| ${subject}: ${what} | ${points.map(cell).join(' | ')} | ×${growth.toFixed(growth < 10 ? 1 : 0)} |`;
  });
  return ['| one of | the fewest | ten times | a hundred times | growth |', '|---|---:|---:|---:|---:|', ...lines].join(
    '\n',
  );
}

/** What handles take while they are held. */
export function memoryTable({ scale: { held } }: Measured): string {
  const lines = held.map(
    ({ what, count, bytesEach, descriptorsEach }) =>
      `| ${what} | ${count.toLocaleString('en')} | ${(bytesEach / 1000).toFixed(1)} kB | ${descriptorsEach.toFixed(1)} |`,
  );
  return ['| handle | held at once | memory each | descriptors each |', '|---|---:|---:|---:|', ...lines].join('\n');
}

function cell({ count, us, cpuUs }: Point): string {
  return `${count.toLocaleString('en')}: ${time(us)} (${time(cpuUs)})`;
}

function time(us: number): string {
  if (us >= 1000) return `${(us / 1000).toFixed(1)} ms`;
  return `${us < 10 ? us.toFixed(1) : Math.round(us)} µs`;
}
