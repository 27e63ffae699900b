// The report of what works here.

import test from 'ava';
import { type FeatureReport, features } from 'procward';
import { census, growth } from './census.ts';
import { answerOf } from './fixture.ts';
import { unionMembers } from './source.ts';

test('every feature is reported, by its name, in order', (t) => {
  t.deepEqual(Object.keys(features()), unionMembers('src/features.ts', 'FeatureName'));
});

test('what works says since when, what does not says why, what instead and what to do', (t) => {
  for (const [name, report] of Object.entries<FeatureReport>(features())) {
    t.regex(report.since, /^\d+(\.\d+)*$/, name);
    if (report.status === 'yes') {
      t.deepEqual(Object.keys(report).sort(), ['since', 'status'], name);
      continue;
    }
    t.true(['degraded', 'no'].includes(report.status), name);
    t.deepEqual(Object.keys(report).sort(), ['fallback', 'fix', 'reason', 'since', 'status'], name);
    for (const text of [report.reason, report.fallback, report.fix]) t.regex(text ?? '', /\S/, name);
  }
});

test('asking again gives the same answer, and leaves nothing', async (t) => {
  const first = features();
  const before = census();
  for (let count = 0; count < 20; count += 1) t.deepEqual(features(), first);
  t.deepEqual(await growth(before), {});
});

test('asking is noticed by nobody who listens for children', async (t) => {
  t.deepEqual(await answerOf('hears-of-children.mjs'), { asking: 0, ending: 1 });
});
