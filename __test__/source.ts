// Reads the names of closed lists out of the sources, so that the two sides of the binding can be compared.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);

/** A path of the package itself. */
export function packagePath(path = ''): string {
  return fileURLToPath(new URL(path, root));
}

/** A file of the package itself. */
export function readSource(path: string): string {
  return readFileSync(packagePath(path), 'utf8');
}

/** The members of `export type name = | 'a' | 'b';`. */
export function unionMembers(path: string, name: string): string[] {
  const declared = new RegExp(`export type ${name} =([^;]+);`).exec(readSource(path))?.[1] ?? '';
  return [...declared.matchAll(/'([^']+)'/g)].map(([, member = '']) => member);
}
