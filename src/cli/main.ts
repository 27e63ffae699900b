#!/usr/bin/env node
// The command line: answers what needs nothing at once, and leaves the rest to the command that is asked for.

import { version } from '../native.ts';

const [first, ...further] = process.argv.slice(2);

if (['--version', '-V'].includes(first ?? '') && further.length === 0) {
  process.stdout.write(`${version}\n`);
} else {
  // Loaded when there is something to parse: the parser takes longer than all the rest of a short command.
  const { runCommandLine } = await import('./program.ts');
  await runCommandLine(process.argv.slice(2));
}
