// `procward thaw`: thaws groups, whoever froze them.

import type { Command } from 'commander';
import { interruptible } from './interrupt.ts';
import { print, printJson } from './output.ts';
import { printable } from './printable.ts';
import { withProgress } from './progress.ts';
import { type GroupTarget, groupTargets, openGroup } from './target.ts';
import { duration } from './values.ts';

/** Thawed itself, and frozen all the same. */
const STILL_FROZEN = 1;

export function define(command: Command): void {
  command
    .argument('<group...>', 'which groups', groupTargets)
    .option('--timeout <duration>', 'how long the kernel may take', duration, 3000)
    .option('--json', 'for programs')
    .addHelpText('after', '\nExit code 1: thawed, but a group above keeps one of them frozen.')
    .action(thaw);
}

async function thaw(targets: GroupTarget[], { timeout, json }: { timeout: number; json?: true }): Promise<void> {
  const thawed = await interruptible(async (signal) => {
    const all: { group: string; stillFrozenByAncestor: boolean }[] = [];
    for (const target of targets) {
      using group = openGroup(target);
      const answer = await withProgress('thawing', group.thaw({ timeoutMs: timeout, signal }));
      all.push({ group: group.path, ...answer });
    }
    return all;
  });
  if (thawed === undefined) return;
  if (json) printJson(thawed);
  for (const { group, stillFrozenByAncestor } of thawed) {
    if (stillFrozenByAncestor) process.exitCode = STILL_FROZEN;
    const text = stillFrozenByAncestor ? 'still frozen by a group above:' : 'thawed';
    if (!json) print(`${text} ${printable(group)}\n`);
  }
}
