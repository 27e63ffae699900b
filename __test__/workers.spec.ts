// Worker threads that come and go, and programs that end with operations under way.

import test from 'ava';
import { features } from 'procward';
import { answerOf, fixture, runNode } from './fixture.ts';
import { scratchName } from './scratch.ts';

interface Holdings {
  readonly descriptors: number;
  readonly threads: number;
  readonly children: number;
}

test('fifty workers that are terminated in the middle of their work leave nothing', async (t) => {
  const groups = features().cgroup_v2_write.status === 'yes' ? [scratchName()] : [];
  const held = (await answerOf('terminates-workers.mjs', ...groups)) as {
    before: Holdings;
    after: Holdings;
    state: string;
  };
  for (const what of ['descriptors', 'threads', 'children'] as const) {
    t.true(held.after[what] <= held.before[what], `${what}: ${held.before[what]}, then ${held.after[what]}`);
  }
  t.is(held.state, 'thawed');
});

for (const how of ['unref', 'exit', 'exit-in-the-middle']) {
  test(`a program that ends with operations under way ends well (${how})`, async (t) => {
    const ended = await runNode([fixture('ends-with-operations-pending.mjs'), how]);
    t.deepEqual(ended, { code: 0, signal: null, stdout: '', stderr: '' });
  });
}

for (const how of ['unref', 'exit']) {
  test(`a program that ends while a worker waits ends well (${how})`, async (t) => {
    const ended = await runNode([fixture('ends-with-a-waiting-worker.mjs'), how]);
    t.deepEqual(ended, { code: 0, signal: null, stdout: '', stderr: '' });
  });
}
