// Ten thousand handles that are waited for at once: one thread, one descriptor each, every exit told, nothing left.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import test from 'ava';
import { features, Process } from 'procward';
import { census, growth, threadNames } from './census.ts';
import { type Stranger, startStranger } from './children.ts';
import { exitsAreTold } from './exits.ts';
import { fixture } from './fixture.ts';

/** What the test and its host need beside. */
const SPARE = 1000;
/** Far above what a handle and a wait take: 4 kB were measured. */
const MEMORY_EACH = 20_000;

/** As many as this host lets us hold; without pidfds we look again and again at each, which is not made for crowds. */
function crowd(): number {
  const [, descriptors = '0'] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  const pids = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'));
  const wanted = features().pidfd_open.status === 'yes' ? 10_000 : 1000;
  return Math.max(100, Math.min(wanted, Number(descriptors) - SPARE, pids / 2));
}

/** The pids that it prints: fewer than `count` where the host lets it start no more. */
async function pidsFrom(shell: Stranger, count: number): Promise<number[]> {
  const pids: number[] = [];
  for await (const line of createInterface({ input: shell.stdout })) {
    pids.push(Number(line));
    if (pids.length === count) break;
  }
  return pids;
}

test.serial('ten thousand are waited for by one thread, and all exits are told', async (t) => {
  t.timeout(120_000);
  using self = Process.self();
  t.is(self.waitSync({ timeoutMs: 0 }), null);
  await t.throwsAsync(self.wait({ signal: AbortSignal.timeout(1) })); // Starts the background thread.
  const before = census();
  const memory = process.memoryUsage.rss();

  const wanted = crowd();
  const shell = await startStranger(t, 'sh', [fixture('starts-many.sh'), String(wanted)]);
  const pids = await pidsFrom(shell, wanted);
  if (pids.length < 10_000) process.stderr.write(`this host lets us wait for ${pids.length} of 10000\n`);
  t.true(pids.length >= 100);
  const handles = pids.map((pid) => Process.open(pid));
  const waits = handles.map((handle) => handle.wait());
  t.is(threadNames().filter((name) => name === 'procward').length, 1);
  // Its pipes are three more.
  const descriptors = census().descriptors - before.descriptors;
  t.true(descriptors <= pids.length + 10, `${descriptors} descriptors for ${pids.length}`);
  const bytes = process.memoryUsage.rss() - memory;
  t.true(bytes <= pids.length * MEMORY_EACH, `${bytes} bytes for ${pids.length}`);

  const reaped = once(shell, 'exit');
  const started = performance.now();
  shell.stdin.end();
  const exits = await Promise.all(waits);
  t.log(
    `${pids.length} ended within ${Math.round(performance.now() - started)} ms; ${Math.round(bytes / pids.length)} bytes each`,
  );
  const right = exits.filter((exit, at) => exit.type === 'exited' && exit.code === at % 256).length;
  const unknown = exits.filter((exit) => exit.type === 'unknown').length;
  t.is(exitsAreTold ? right : right + unknown, pids.length);
  for (const handle of handles) handle.close();
  await reaped;
  t.deepEqual(await growth(before), {});
});
