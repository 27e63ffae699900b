// The program, its arguments and its environment, as the addon takes them.

import { checkList, checkString, invalid } from '../arguments.ts';

/** With the program's own name. @internal */
export function toArgv(file: string, args: readonly string[], argv0: string | undefined): string[] {
  if (checkString('file', file) === '') throw invalid('file', file, 'a path or a program name');
  const name = checkString('options.argv0', argv0 ?? file);
  return [name, ...checkList('args', args, 'an array of strings', checkArgument)];
}

/** A null character after each. @internal */
export function toBlock(argv: readonly string[]): string {
  return `${argv.join('\0')}\0`;
}

function checkArgument(name: string, argument: unknown): string {
  return checkString(name, argument);
}

/** `NAME=value` and a null character, each. @internal */
export function toEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (typeof env !== 'object' || env === null) throw invalid('options.env', env, 'an object of strings');
  const own = env === process.env ? ownVariables() : undefined;
  if (own !== undefined) return own;
  let variables = '';
  for (const name of Object.keys(env)) {
    const value = env[name];
    if (value === undefined) continue;
    checkName(name);
    checkString(`options.env.${name}`, value);
    variables += `${name}=${value}\0`;
  }
  return variables;
}

/** Ours, checked all at once, since reading them is what takes longest of a spawn; undefined where one has to be named. */
function ownVariables(): string | undefined {
  const { env } = process;
  let variables = '';
  let count = 0;
  for (const name of ownNames()) {
    const value = env[name];
    if (value === undefined) continue;
    variables += `${name}=${value}\0`;
    count += 1;
  }
  let end = -1;
  for (; count > 0; count -= 1) end = variables.indexOf('\0', end + 1);
  return end === variables.length - 1 && variables.isWellFormed() ? variables : undefined;
}

/** The names of our variables, as they were last. */
const lastNames: string[] = [];

/**
 * Every variable of ours is enumerable: asking for each whether it is takes longer than all the rest of a spawn. And what was a
 * name before is returned as the same string, checked before: another one with the same letters the engine has to look up first.
 */
function ownNames(): readonly string[] {
  const names = Object.getOwnPropertyNames(process.env);
  names.forEach((name, at) => {
    if (name === lastNames[at]) return;
    checkName(name);
    lastNames[at] = name;
  });
  lastNames.length = names.length;
  return lastNames;
}

function checkName(name: string): void {
  if (name === '' || name.includes('='))
    throw invalid('options.env', name, 'an object whose names are not empty and have no "="');
  checkString('options.env', name);
}
