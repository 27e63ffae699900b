// A worker of threads.ts: uses everything, tells whom it started, and goes on until it is terminated.

import { parentPort, workerData } from 'node:worker_threads';
import { Cgroup, Process, Procfs, procfs, run, spawn } from 'procward';

const cgroup = typeof workerData === 'string' ? Cgroup.open(workerData) : undefined;
procfs().readFileSync('thread-self', 'comm');
const sleeper = await spawn('sleep', ['1000'], { stdio: 'ignore', ...(cgroup && { cgroup }) });
parentPort?.postMessage(sleeper.pid);
void sleeper.wait();
void cgroup?.watch()[Symbol.asyncIterator]().next();
for (;;) {
  await run('true');
  await procfs().readFile('self', 'maps');
  const proc = await Procfs.open();
  Process.self().info();
  proc.close();
  if (cgroup !== undefined) await (await cgroup.freeze()).release();
}
