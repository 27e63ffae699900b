// The environment of a program, as the addon takes it: `NAME=value` and a null character, each.

import { isMainThread } from 'node:worker_threads';
import { checkString, invalid } from '../arguments.ts';
import { native } from '../native.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Where nothing is given, ours. @internal */
export function toEnvironment(env: Variables = process.env): string {
  if (typeof env !== 'object' || env === null) throw invalid('options.env', env, 'an object of strings');
  // Every variable of ours is enumerable: to ask that of each takes longer than to read them all.
  const names = env === process.env ? Object.getOwnPropertyNames(env) : Object.keys(env);
  let variables = '';
  for (const name of names) {
    const value = env[name];
    if (value === undefined) continue;
    checkName(name);
    checkString(`options.env.${name}`, value);
    variables += `${name}=${value}\0`;
  }
  return variables;
}

/** Likewise, and undefined for ours where the addon remembers them: to ask that takes a twentieth of the time. @internal */
export function toRememberedEnvironment(env: Variables = process.env): string | undefined {
  if (env !== process.env || !isOfThisProcess(env)) return toEnvironment(env);
  if (native().hasRememberedVariables()) return undefined;
  const variables = toEnvironment(env);
  native().rememberVariables(variables);
  return variables;
}

let judged: Variables | undefined;
let judgement = false;

/**
 * Whether it shows the variables that the C library has: not in a worker, which has a copy, nor on other runtimes, nor where
 * somebody, such as a test runner, has put an object of his own in its place.
 */
function isOfThisProcess(env: Variables): boolean {
  if (env !== judged) {
    judgement = isMainThread && !('bun' in process.versions) && !('deno' in process.versions) && isNodes(env);
    judged = env;
  }
  return judgement;
}

/** Node's own refuses accessors; in every other object this one is there for a moment, where nobody sees it. */
function isNodes(env: Variables): boolean {
  const unseen = Symbol('procward');
  try {
    Object.defineProperty(env, unseen, { get: () => undefined, configurable: true });
    Reflect.deleteProperty(env, unseen);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_INVALID_OBJECT_DEFINE_PROPERTY';
  }
}

function checkName(name: string): void {
  if (name === '' || name.includes('='))
    throw invalid('options.env', name, 'an object whose names are not empty and have no "="');
  checkString('options.env', name);
}
