// Every snippet of README.md, docs/ and the doc comments: it type-checks against the published types, runs, prints what the page
// says, and leaves nothing behind.

import test, { type ExecutionContext } from 'ava';
import { features } from 'procward';
import { isNeed, needing } from './needs.ts';
import { Playground } from './playground.ts';
import { isShown, type Snippet, snippets } from './snippets.ts';
import { readSource } from './source.ts';
import { complaints } from './type-check.ts';

/** What a snippet may need that nothing on the host can tell, and where else its commands are run. */
const elsewhere: Record<string, string> = {
  clone: 'run by .ci/run in a fresh one',
  network: 'by `npm run test:install`, from a registry of its own',
  quiet: 'nowhere: it measures for minutes, and wants the machine for itself',
  docker: 'nowhere: no machine of CI runs containers inside',
};

const hasSystemd = features().systemd_system.status === 'yes';
const booting = hasSystemd ? test.skip : needing('root', 'cgroup2', 'mounts', 'systemd_binary');

const all = snippets();
const playground = new Playground();
test.after.always(() => playground[Symbol.dispose]());

test('there are snippets', (t) => {
  t.true(all.length > 40);
});

test('every snippet in TypeScript type-checks as strictly as the package itself, and one that does not is told', (t) => {
  const wrong = snippet('ts', "import { spawn } from 'procward';\nconst child: string = spawn('true');");
  const [told, ...others] = complaints([...all.filter(({ language }) => language === 'ts'), wrong]);
  t.regex(told ?? '', /^made up, line 2: Type 'Promise<Child>' is not assignable to type 'string'/);
  t.deepEqual(others, []);
});

test('the groups of snippets bear the pid of the program, by which they are found when they are left behind', (t) => {
  const fixed = all.filter(({ code }) => /Cgroup\.create\(['"]/.test(code));
  t.deepEqual(
    fixed.map(({ at }) => at),
    [],
  );
});

test('what is left behind is told, and ended', async (t) => {
  const { end, leftovers } = await playground.run(snippet('sh', 'setsid sleep 1000 &'));
  t.is(end, 0);
  t.regex(leftovers.join(), /^process \d+ \(sleep\)$/);
});

test('output counts in its order, wherever its lines are broken', (t) => {
  t.true(isShown(['{ a: 1, … }', 'b'], '{\n  a: 1,\n  z: 2\n}\nb\n'));
  t.false(isShown(['b', 'a'], 'a b'));
  t.false(isShown(['a.c'], 'abc'));
});

function snippet(language: Snippet['language'], code: string): Snippet {
  return { at: 'made up', language, code, needs: [], prints: [] };
}

for (const snippet of all) {
  const { at, needs, code, prints } = snippet;
  const foreign = needs.filter((need) => need in elsewhere);
  if (foreign.length > 0) {
    const places = foreign.map((need) => `${need} (${elsewhere[need]})`);
    const isRunThere = foreign.includes('clone');
    if (!isRunThere) process.stderr.write(`SKIPPED tests that need ${places.join(', ')}: ${at}\n`);
    (isRunThere ? test : test.skip)(`${at} is run elsewhere`, (t) => {
      const runs = readSource('.ci/run');
      const commands = code.split('\n').map((line) => line.replace(/ *#.*/, ''));
      for (const command of commands.filter(Boolean)) t.true(runs.includes(command), `${command} is not in .ci/run`);
    });
    continue;
  }
  const unknown = needs.filter((need) => !isNeed(need));
  if (unknown.length > 0) throw new Error(`${at}: nothing knows what it is to need ${unknown.join(', ')}`);
  const check = (manager?: 'user') => async (t: ExecutionContext) => {
    const { end, output, leftovers } = await turn(() => playground.run(snippet, manager));
    t.is(end, 0, output);
    t.true(isShown(prints, output), `shown:\n${prints.join('\n')}\n\nprinted:\n${output}`);
    t.deepEqual(leftovers, []);
  };
  if (!needs.includes('systemd') || hasSystemd) {
    needing(...needs.filter(isNeed))(`${at} runs and prints what the page says`, check());
  }
  // Where systemd does not run, one is booted for it, in namespaces of its own.
  if (!hasSystemd && code.includes('createTransientScope(')) {
    booting(`${at} runs under the systemd of a user, and prints what the page says`, check('user'));
  }
}

const AT_ONCE = 2;
const waiting: (() => void)[] = [];
let running = 0;

/** All tests of a file start at once; the programs take turns. */
async function turn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
