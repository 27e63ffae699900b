// Runs one test file on a runtime that ava does not run on, and prints TAP: `runs-a-file.ts FILE`. One test after the
// other, where ava under Node runs those of a file at the same time unless they say `serial`.

import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Context, registered } from './ava.ts';

const LIMIT_MS = 120_000;
/** What a file may leave referenced ends the run by itself, and is a failure. */
const GRACE_MS = 10_000;

const [file = ''] = process.argv.slice(2);
if (!existsSync(file)) throw new Error(`there is no test file ${file}`);
await import(pathToFileURL(resolve(file)).href);

/** What is thrown where nobody can catch it is the failure of the test that runs. */
let failCurrent: (error: unknown) => void = () => {};
process.on('uncaughtException', (error) => failCurrent(error));
process.on('unhandledRejection', (error) => failCurrent(error));

let count = 0;
for (const { title, body, skipped } of registered) {
  count += 1;
  const line = `${count} - ${basename(file, '.spec.ts')} › ${title}`;
  if (skipped) {
    print(`ok ${line} # SKIP`);
    continue;
  }
  const failure = await failureOf(title, body);
  if (failure === undefined) print(`ok ${line}`);
  else {
    print(`not ok ${line}\n${failure.replaceAll(/^/gm, '    ')}`);
    process.exitCode = 1;
  }
}

setTimeout(() => {
  print(`not ok ${count + 1} - ${basename(file, '.spec.ts')} › the process ends by itself`);
  process.exit(1);
}, GRACE_MS).unref();

/** What went wrong, if anything did. */
async function failureOf(title: string, body: (t: Context) => unknown): Promise<string | undefined> {
  const t = new Context(title, LIMIT_MS);
  let timer: NodeJS.Timeout | undefined;
  const started = performance.now();
  const late = new Promise<never>((_, reject) => {
    failCurrent = reject;
    // Looked at again and again: a test may ask for more time when it has begun.
    timer = setInterval(() => {
      if (performance.now() - started > t.limitMs) reject(new Error(`it took longer than ${t.limitMs} ms`));
    }, 200);
  });
  try {
    await Promise.race([Promise.resolve(t).then(body), late]);
    t.finish();
    return undefined;
  } catch (error) {
    return textOf(error);
  } finally {
    clearInterval(timer);
    await t.tearDown().catch((error: unknown) => print(`# the teardown of ${title} failed: ${textOf(error)}`));
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
