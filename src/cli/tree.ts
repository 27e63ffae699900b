// `procward tree`: processes under their parents.

import type { Command } from 'commander';
import { print, printJson, toWidth } from './output.ts';
import { paint } from './paint.ts';
import { printable } from './printable.ts';
import { byParent, type ProcessRow, showCommand } from './processes.ts';
import { select } from './selection.ts';
import { type Target, targets } from './target.ts';

/** What `tree --json` prints: a row with its children. */
export interface ProcessNode extends ProcessRow {
  readonly children: readonly ProcessNode[];
}

export function define(command: Command): void {
  command
    .argument('[target...]', 'only what descends from these processes, and what is in these groups', targets)
    .option('--kernel', 'with threads of the kernel')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      '\n(reparented): the process that started this one has ended, and its parent is another one by now (inferred).',
    )
    .action(tree);
}

async function tree(targets: Target[] = [], { kernel, json }: { kernel?: true; json?: true }): Promise<void> {
  const rows = (await select(targets, true)).filter((row) => kernel || !row.kernelThread);
  if (json) printJson(toForest(rows));
  else print(formatForest(rows));
}

/** Rows under their parents; those whose parent is not among them are roots. */
export function toForest(rows: readonly ProcessRow[]): ProcessNode[] {
  const nodes = new Map(rows.map((row) => [row.pid, { ...row, children: [] as ProcessNode[] }]));
  const roots: ProcessNode[] = [];
  for (const node of nodes.values()) (nodes.get(node.ppid)?.children ?? roots).push(node);
  return roots;
}

/** The forest for a person. */
export function formatForest(rows: readonly ProcessRow[]): string {
  const children = byParent(rows);
  const present = new Set(rows.map(({ pid }) => pid));
  const lines: string[] = [];
  // Deep trees exist (a chain of ten thousand shells), so the way down is kept in a list.
  const open = rows
    .filter(({ ppid }) => !present.has(ppid))
    .reverse()
    .map((row) => ({ row, before: '', branch: '', further: '' }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { row, before, branch, further } = next;
    const mark = row.reparented ? ` ${paint('yellow', '(reparented)')}` : '';
    const user = printable(row.user ?? String(row.uid));
    lines.push(toWidth(`${before}${branch}${row.pid}${mark} ${user} ${showCommand(row)}`));
    const below = children.get(row.pid) ?? [];
    for (const [at, child] of below.toReversed().entries()) {
      const isLast = at === 0;
      open.push({
        row: child,
        before: before + further,
        branch: isLast ? '└─ ' : '├─ ',
        further: isLast ? '   ' : '│  ',
      });
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}
