// Handles that nobody closes: what the garbage collector, and the end of a worker, let go of.

import test from 'ava';
import { features } from 'procward';
import { answer, fixture, runNode } from './fixture.ts';
import { scratchGroup } from './scratch.ts';

interface Drops {
  readonly more: {
    readonly descriptors: number;
    readonly threads: number;
    readonly children: number;
    readonly rss: number;
  };
  readonly state: string;
}

/** Of each class. */
const { PROCWARD_DROPS = '1000' } = process.env;
/** What V8 and the allocator may do differently from one round to the next; a leak of 100 000 is more. */
const SLACK_BYTES = 32 * 2 ** 20;

/** For rounds that somebody asks for; ava waits as long as it is told to. */
const LONG_MS = 3_600_000;

test('handles of every class that are dropped without close leave nothing, here and in workers', async (t) => {
  const groups =
    features().cgroup_v2_freeze.status === 'yes' && features().cgroup_v2_write.status === 'yes'
      ? [scratchGroup(t).path]
      : [];
  t.timeout(LONG_MS);
  const program = ['--expose-gc', fixture('drops-its-handles.mjs'), PROCWARD_DROPS, ...groups];
  const ended = await runNode(program, PROCWARD_DROPS === '1000' ? {} : { timeout: LONG_MS });
  const { more, state } = answer(ended) as Drops;
  const { rss, ...held } = more;
  t.deepEqual(
    Object.entries(held).filter(([, count]) => count > 0),
    [],
  );
  t.true(rss < SLACK_BYTES, `${rss} bytes more`);
  t.is(state, 'thawed');
});
