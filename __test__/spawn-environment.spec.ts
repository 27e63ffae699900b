// The environment of a program: what was given, or our variables as they are at the call.

import { once } from 'node:events';
import { constants } from 'node:os';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { run, runSync } from 'procward';
import { native } from '../src/native.ts';
import { collect } from './collect.ts';
import { refusing } from './filter.ts';
import { answer, fixture, runNode } from './fixture.ts';

test('the environment is what was given, without what is undefined', async (t) => {
  const { PATH = '' } = process.env;
  const env = { PATH, EMPTY: '', UNICODE: 'grün', GONE: undefined };
  const { stdout } = await collect('env', [], { env });
  t.deepEqual(stdout.trim().split('\n').sort(), ['EMPTY=', `PATH=${PATH}`, 'UNICODE=grün']);
});

test('without an environment a child has ours', async (t) => {
  const { PATH = '' } = process.env;
  t.is((await collect('sh', ['-c', 'echo "$PATH"'])).stdout, `${PATH}\n`);
});

const isNode = !('bun' in process.versions || 'deno' in process.versions);
const onNode = isNode ? test : test.skip;

const INHERITS = fixture('inherits-its-variables.mjs');

/** What a program that is started now has of what these tests change. */
async function given(): Promise<string[]> {
  return changed((await run('env', ['-0'])).stdout);
}

function changed(variables: Buffer): string[] {
  const all = variables.toString().split('\0');
  return all.filter((variable) => variable.startsWith('PROCWARD_TEST_')).sort();
}

/** Undone when the test is over. */
function change(t: ExecutionContext, variables: Readonly<Record<string, string>>): void {
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
  Object.assign(process.env, variables);
}

test.serial('a child has our variables as they are now, whatever they were before', async (t) => {
  t.deepEqual(await given(), []);
  change(t, { PROCWARD_TEST_A: 'one', PROCWARD_TEST_B: 'two\nlines' });
  t.false(native().hasRememberedVariables());
  t.deepEqual(await given(), ['PROCWARD_TEST_A=one', 'PROCWARD_TEST_B=two\nlines']);
  t.is(native().hasRememberedVariables(), isNode);
  // Once they are known, also when each has as many letters as before.
  change(t, { PROCWARD_TEST_A: 'six' });
  t.deepEqual(await given(), ['PROCWARD_TEST_A=six', 'PROCWARD_TEST_B=two\nlines']);
  t.deepEqual(changed(runSync('env', ['-0']).stdout), ['PROCWARD_TEST_A=six', 'PROCWARD_TEST_B=two\nlines']);
  change(t, { PROCWARD_TEST_B: '', PROCWARD_TEST_C: 'a=b' });
  delete process.env['PROCWARD_TEST_A'];
  for (const _again of [1, 2]) t.deepEqual(await given(), ['PROCWARD_TEST_B=', 'PROCWARD_TEST_C=a=b']);
});

test.serial('an object in the place of process.env is what counts', async (t) => {
  const { env } = process;
  t.teardown(() => {
    process.env = env;
  });
  await given();
  // As test runners make theirs.
  for (const prototype of [Object.prototype, Object.getPrototypeOf(env)]) {
    process.env = Object.assign(Object.create(prototype), env);
    t.deepEqual(await given(), []);
    process.env['PROCWARD_TEST_A'] = 'only here';
    t.deepEqual(await given(), ['PROCWARD_TEST_A=only here']);
    t.deepEqual(Object.getOwnPropertySymbols(process.env), []);
    process.env = env;
    t.deepEqual(await given(), []);
  }
});

test.serial('a worker has variables of its own, or changes ours', async (t) => {
  const code = `import('procward').then(({ runSync }) => {
    const given = () => runSync('sh', ['-c', 'echo "$PROCWARD_TEST_A"']).stdout.toString();
    const before = given();
    process.env.PROCWARD_TEST_A = 'by a worker';
    require('node:worker_threads').parentPort.postMessage([before, given()]);
  })`;
  const inWorker = async (env: NodeJS.ProcessEnv | typeof SHARE_ENV): Promise<unknown> => {
    const worker = new Worker(code, { eval: true, env });
    const [told] = await once(worker, 'message');
    await worker.terminate();
    return told;
  };
  change(t, { PROCWARD_TEST_A: 'ours' });
  t.deepEqual(await given(), ['PROCWARD_TEST_A=ours']);
  const env = { PATH: process.env['PATH'], PROCWARD_TEST_A: 'given' };
  t.deepEqual(await inWorker(env), ['given\n', 'by a worker\n']);
  t.deepEqual(await given(), ['PROCWARD_TEST_A=ours']);
  t.deepEqual(await inWorker(SHARE_ENV), ['ours\n', 'by a worker\n']);
  t.deepEqual(await given(), ['PROCWARD_TEST_A=by a worker']);
});

onNode('variables that are no text or have numbers for names are as Node shows them', async (t) => {
  const odd = String.raw`exec env -i PATH="$PATH" 9=nine 1=one "BYTES=$(printf 'a\377b')" "$@"`;
  const args = ['-c', odd, 'sh', process.execPath, INHERITS];
  t.deepEqual(JSON.parse((await run('sh', args)).stdout.toString()), { sameAgain: true, asNode: true });
});

onNode('where nobody may look at memory they are what they are now', async (t) => {
  const readv = process.arch === 'x64' ? 310 : 270;
  const seccomp = refusing(constants.errno.EPERM, readv);
  const { stdout, stderr } = await run(process.execPath, [INHERITS], { seccomp, noNewPrivileges: true });
  t.deepEqual(JSON.parse(stdout.toString()), { sameAgain: true, asNode: true }, stderr.toString());
  t.deepEqual(answer(await runNode([INHERITS])), { sameAgain: true, asNode: true });
});

onNode('variables of a worker, which can be what those of a process cannot, are refused by name', async (t) => {
  const code = `import('procward').then(({ spawn }) => {
    const refused = ['ODD', 'A=B'].map((name) => {
      process.env[name] = 'a\\0b';
      try {
        spawn('true');
      } catch ({ message }) {
        return message;
      } finally {
        delete process.env[name];
      }
    });
    require('node:worker_threads').parentPort.postMessage(refused);
  })`;
  const worker = new Worker(code, { eval: true, env: { PATH: process.env['PATH'] } });
  const [[value, name]] = (await once(worker, 'message')) as [[string, string]];
  await worker.terminate();
  t.is(value, String.raw`"options.env.ODD" must be a string without NUL bytes; received 'a\x00b'`);
  t.regex(name, /^"options.env" must be an object whose names .*; received 'A=B'$/);
});
