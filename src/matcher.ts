// Which control group is meant: a hierarchy, and a path in it.

import { checkString, invalid } from './arguments.ts';
import type { ProcwardError } from './errors.ts';

/** Which hierarchy: one line of /proc/<pid>/cgroup. */
export type GroupMatcher = { readonly unified: true } | { readonly controller: string } | { readonly name: string };

/** @internal */
export function checkGroupPath(name: string, path: unknown): string {
  const checked = checkString(name, path);
  if (!checked.startsWith('/')) throw invalid(name, path, "a path below the hierarchy's root that starts with '/'");
  return checked;
}

/** As the addon takes it: a controller, `name=…`, or nothing for version 2. @internal */
export function toMatcher(matcher: GroupMatcher | undefined, name = 'hierarchy'): string | undefined {
  if (matcher === undefined) return undefined;
  if (typeof matcher === 'object' && matcher !== null) {
    if ('unified' in matcher && matcher.unified === true) return '';
    if ('controller' in matcher) return checkWord(`${name}.controller`, matcher.controller);
    if ('name' in matcher) return `name=${checkWord(`${name}.name`, matcher.name)}`;
  }
  throw invalidMatcher(name, matcher);
}

function checkWord(name: string, value: unknown): string {
  const word = checkString(name, value);
  if (!/^[^,=:\s]+$/.test(word)) throw invalid(name, value, "a word without ',', '=' or ':'");
  return word;
}

/** @internal */
export function invalidMatcher(name: string, matcher: unknown): ProcwardError {
  return invalid(name, matcher, '{ unified: true }, { controller } or { name }');
}
