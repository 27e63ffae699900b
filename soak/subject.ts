// The program under load (load/main.ts), seen from outside: started in control groups of its own, told when to work and when to
// rest, and taken away with everything that it left.

import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Cgroup, type Child, cgroupLayout, features, spawn } from 'procward';
import type { Orders, Rest } from './load/main.ts';
import { HIERARCHIES, type Hierarchy } from './load/room.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const target = path('../target/soak');
/** A rest waits for the longest piece of work; twice what load/main.ts allows it. */
const REST_MS = 120_000;

export class Subject implements AsyncDisposable {
  readonly child: Child;
  /** One in each hierarchy; the program itself is in `load` below that of version 2. */
  readonly groups: readonly Cgroup[];
  readonly #answers: AsyncIterator<string>;

  private constructor(child: Child, groups: readonly Cgroup[]) {
    this.child = child;
    this.groups = groups;
    if (child.stdout === null) throw new Error('started without its output');
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(seed: number, lanes: number, leak: string | undefined): Promise<Subject> {
    await bundle();
    const name = `/procward-soak-${process.pid}`;
    const hierarchies = (Object.keys(HIERARCHIES) as Hierarchy[]).filter(isWritable);
    const groups = hierarchies.map((hierarchy) => Cgroup.create(name, HIERARCHIES[hierarchy]));
    const [unified] = groups;
    const cgroup = hierarchies[0] === 'unified' ? unified?.createChild('load') : undefined;
    const orders: Orders = { seed, lanes, path: name, hierarchies, leak };
    const child = await spawn(process.execPath, ['--expose-gc', `${target}/main.mjs`, JSON.stringify(orders)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // An interrupt from the terminal is for the one who watches.
      session: true,
      env: { ...process.env, NODE_OPTIONS: undefined },
      ...(cgroup && { cgroup }),
    });
    cgroup?.close();
    return new Subject(child, groups);
  }

  go(): void {
    this.child.stdin?.write('go\n');
  }

  /** @throws When it does not come to rest, or has ended. */
  async rest(): Promise<Rest> {
    this.child.stdin?.write('rest\n');
    const late = AbortSignal.timeout(REST_MS);
    const answer = await Promise.race([this.#answers.next(), once(late, 'abort')]);
    if (Array.isArray(answer)) throw new Error(`it did not come to rest within ${REST_MS} ms`);
    if (answer.done) throw new Error(`it ended: ${JSON.stringify(await this.child.wait())}`);
    return JSON.parse(answer.value) as Rest;
  }

  /** Ends it and everything that it left, in whatever state that is. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.child.stdin?.destroy();
    if (this.groups.length === 0) this.child.signal('SIGKILL');
    for (const group of this.groups) await group.kill({ timeoutMs: 20_000 });
    await this.child.wait();
    this.child.stdout?.destroy();
    for (const group of this.groups) {
      await group.remove({ recursive: true, timeoutMs: 20_000 });
      group.close();
    }
  }
}

/** As a user's program would be, without the loader that TypeScript needs: that has threads and memory of its own. */
async function bundle(): Promise<void> {
  await build({
    entryPoints: [path('load/main.ts'), path('load/worker.ts')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    outdir: target,
    logLevel: 'warning',
  });
}

function isWritable(hierarchy: Hierarchy): boolean {
  if (hierarchy === 'unified')
    return features().cgroup_v2_freeze.status === 'yes' && features().cgroup_v2_write.status === 'yes';
  return cgroupLayout().hierarchies.some(
    ({ version, controllers, writable }) => version === 1 && writable && controllers.includes(hierarchy),
  );
}
