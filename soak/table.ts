// What a soak prints: a line for each rest, and the verdict.

import type { Holdings } from './observe.ts';
import type { Sample, Verdict } from './verdict.ts';

const WIDTHS = [7, 9, 7, 16, 10, 8, 14, 12, 12, 8, 12];
const line = (cells: readonly string[]) => cells.map((cell, at) => cell.padStart(WIDTHS[at] ?? 0)).join(' ');
const mb = (bytes: number) => (bytes / 1024 ** 2).toFixed(1);

export const header = line([
  'time',
  'done',
  'per s',
  'RSS MB (most)',
  'no file MB',
  'heap MB',
  'descriptors',
  'threads',
  'processes',
  'zombies',
  'groups',
]);

export function row(sample: Sample, before: Sample | undefined, most: Holdings | undefined): string {
  const seconds = Math.round(sample.atMs / 1000);
  const perSecond = (sample.operations - (before?.operations ?? 0)) / ((sample.atMs - (before?.atMs ?? 0)) / 1000);
  const both = (name: keyof Holdings) => `${sample[name]} (${most?.[name] ?? '-'})`;
  return line([
    `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`,
    String(sample.operations),
    perSecond.toFixed(0),
    `${mb(sample.rssBytes)} (${most === undefined ? '-' : mb(most.rssBytes)})`,
    mb(sample.memoryBytes),
    mb(sample.heapBytes),
    both('descriptors'),
    both('threads'),
    both('processes'),
    String(sample.zombies),
    both('groups'),
  ]);
}

export function summary({ findings, rises, judged }: Verdict, done: Readonly<Record<string, number>>): string {
  const each = (bytes: number) => (judged.operations === 0 ? '-' : (bytes / judged.operations).toFixed(1));
  return [
    '',
    ...Object.entries(done).map(([name, count]) => `${String(count).padStart(9)}  ${name}`),
    '',
    `judged: ${judged.rests} rests, ${judged.operations} pieces of work, ${Math.round(judged.ms / 1000)} s`,
    `memory rises by ${mb(rises.memoryBytes)} MB (${each(rises.memoryBytes)} bytes a piece), the heap by ${mb(rises.heapBytes)} MB (${each(rises.heapBytes)} bytes)`,
    ...findings.slice(0, 20).map((finding) => `- ${finding}`),
  ].join('\n');
}
