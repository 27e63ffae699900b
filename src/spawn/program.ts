// The program, its arguments and its environment, as the addon takes them.

import { checkList, checkString, invalid } from '../arguments.ts';

/** @internal */
export function toProgram(file: string, args: readonly string[], argv0: string | undefined) {
  if (checkString('file', file) === '') throw invalid('file', file, 'a path or a program name');
  const name = checkString('options.argv0', argv0 ?? file);
  return { file, argv: [name, ...checkList('args', args, 'an array of strings', checkArgument)] };
}

function checkArgument(name: string, argument: unknown): string {
  return checkString(name, argument);
}

/** `NAME=value` and a null character, each. @internal */
export function toEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (typeof env !== 'object' || env === null) throw invalid('options.env', env, 'an object of strings');
  // Every variable of ours is enumerable. Asking for each whether it is takes longer than all the rest of a spawn.
  const names = env === process.env ? Object.getOwnPropertyNames(env) : Object.keys(env);
  let variables = '';
  for (const name of names) {
    const value = env[name];
    if (value !== undefined) variables += `${toVariable(name, value)}\0`;
  }
  return variables;
}

function toVariable(name: string, value: string): string {
  if (name === '' || name.includes('='))
    throw invalid('options.env', name, 'an object whose names are not empty and have no "="');
  if (typeof value === 'string') {
    const variable = `${name}=${value}`;
    if (!variable.includes('\0') && variable.isWellFormed()) return variable;
  }
  checkString('options.env', name);
  return `${name}=${checkString(`options.env.${name}`, value)}`;
}
