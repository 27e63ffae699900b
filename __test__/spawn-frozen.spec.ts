// Children that do not come to their program for now, because they are born in a frozen group: what still has to happen does.

import { run, runSync, spawn } from 'procward';
import { census, growth } from './census.ts';
import { answerOf } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

const frozen = needing('freeze2');

frozen('a child that is born frozen starts once its group is thawed, and others do not wait for it', async (t) => {
  const group = scratchGroup(t);
  const lease = await group.freeze();
  let started = false;
  const starting = spawn('true', [], { stdio: 'ignore', cgroup: group }).finally(() => {
    started = true;
  });
  t.like((await run('true', [])).exit, { type: 'exited', code: 0 });
  t.false(started);
  await lease.release();
  const child = await starting;
  t.like(await child.wait(), { type: 'exited', code: 0 });
  child.close();
});

frozen('the time of a program runs out while it is born frozen', async (t) => {
  const group = scratchGroup(t);
  await using _lease = await group.freeze();
  const { exit } = await run('true', [], { cgroup: group, timeoutMs: 20, killSignal: 'SIGKILL' });
  t.like(exit, { type: 'signaled', signal: 'SIGKILL' });
});

frozen('runSync, too, comes back when the time is over', async (t) => {
  const group = scratchGroup(t);
  await using _lease = await group.freeze();
  const { exit } = runSync('true', [], { cgroup: group, timeoutMs: 20, killSignal: 'SIGKILL' });
  t.like(exit, { type: 'signaled', signal: 'SIGKILL' });
});

frozen('a program that is born frozen is called off', async (t) => {
  const group = scratchGroup(t);
  await using _lease = await group.freeze();
  const before = census();
  const controller = new AbortController();
  const running = run('true', [], { cgroup: group, signal: controller.signal, killSignal: 'SIGKILL' });
  controller.abort();
  await t.throwsAsync(running, { name: 'AbortError' });
  t.deepEqual(await growth(before), {});
  t.deepEqual(await group.pids(), []);
});

frozen('a child that is killed before it comes to its program has ended by the signal', async (t) => {
  const group = scratchGroup(t);
  await using _lease = await group.freeze();
  const starting = spawn('true', [], { stdio: 'ignore', cgroup: group });
  await group.kill();
  const child = await starting;
  t.like(await child.wait(), { type: 'signaled', signal: 'SIGKILL' });
  child.close();
});

frozen('a worker that ends while its program is born frozen tells it to end, and does not wait for it', async (t) => {
  const group = scratchGroup(t);
  await using _lease = await group.freeze();
  const left = await answerOf('ends-with-a-frozen-program.mjs', group.path);
  t.deepEqual(left, { code: 1 });
  t.deepEqual(await group.pids(), []);
});
