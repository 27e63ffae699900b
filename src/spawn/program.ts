// The program and its arguments, as the addon takes them.

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
