// The judge of a soak (soak/verdict.ts): what it lets pass, and what it must see.

import test from 'ava';
import { judge, type Sample } from '../soak/verdict.ts';

const MB = 1024 ** 2;

/** Two minutes with a rest every two seconds, in which memory goes up and down by more than the limit, and more files are mapped. */
function samples(change: (at: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 60 }, (_, at) => ({
    atMs: at * 2000,
    operations: at * 500,
    rssBytes: (200 + 12 * Math.sin(at) + at) * MB,
    memoryBytes: (100 + 12 * Math.sin(at)) * MB,
    heapBytes: (8 + Math.cos(at)) * MB,
    descriptors: 22,
    threads: 12,
    shortThreads: at % 5,
    processes: 0,
    zombies: 0,
    groups: 0,
    ...change(at),
  }));
}

test('what goes up and down passes', (t) => {
  const { findings, judged } = judge(samples(), []);
  t.deepEqual(findings, []);
  t.deepEqual(judged, { rests: 40, operations: 39 * 500, ms: 78_000 });
});

test('what is taken during the warm-up and kept passes', (t) => {
  const warm = samples((at) =>
    at < 20 ? { memoryBytes: 50 * MB, descriptors: 20 + (at % 2), threads: 4, groups: 1 } : {},
  );
  t.deepEqual(judge(warm, []).findings, []);
});

for (const [what, change] of [
  ['memoryBytes', (at: number) => ({ memoryBytes: (100 + 12 * Math.sin(at) + at / 3) * MB })],
  ['heapBytes', (at: number) => ({ heapBytes: (8 + Math.cos(at) + at / 25) * MB })],
  ['descriptors', (at: number) => ({ descriptors: at < 58 ? 22 : 23 })],
  ['threads', (at: number) => ({ threads: at === 40 ? 13 : 12 })],
  ['groups', (at: number) => ({ groups: at < 30 ? 0 : 1 })],
  ['processes', () => ({ processes: 1 })],
  ['zombies', (at: number) => ({ zombies: at === 59 ? 1 : 0 })],
] as const) {
  test(`${what}: a leak is found, and nothing else`, (t) => {
    const { findings } = judge(samples(change), []);
    t.is(findings.length, 1);
    t.true(findings[0]?.startsWith(what), findings[0]);
  });
}

test('in a short one memory may rise twice as far', (t) => {
  const short = (mb: number) =>
    samples((at) => ({ operations: 2000 + at * 50, memoryBytes: (100 + (at / 60) * mb) * MB }));
  t.deepEqual(judge(short(12), []).findings, []);
  t.is(judge(short(40), []).findings.length, 1);
});

test('one outlier moves no line', (t) => {
  const { findings } = judge(
    samples((at) => (at === 59 ? { memoryBytes: 1000 * MB } : {})),
    [],
  );
  t.deepEqual(findings, []);
});

test('what was told wrongly is a finding, and so is too little to go by', (t) => {
  t.deepEqual(judge(samples(), ['wrong']).findings, ['wrong']);
  t.is(judge(samples().slice(0, 8), []).findings.length, 1);
});
