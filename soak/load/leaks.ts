// What `--leak=KIND` does on purpose, one a piece of work: the judge must see each of them.

import { openSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { spawn } from 'procward';
import type { Work } from './work.ts';

const kept: unknown[] = [];

export const leaks: Readonly<Record<string, Work>> = {
  descriptor: async () => void openSync('/dev/null', 'r'),
  heap: async () => void kept.push(Array.from({ length: 10_000 }, () => ({}))),
  memory: async () => void kept.push(Buffer.alloc(4_000_000, 1)),
  process: async () => void (await spawn('sleep', ['1000'], { stdio: 'ignore' })).unref(),
  group: async ({ room }) => room.create('unified').close(),
  thread: async () => void new Worker('setInterval(() => {}, 1000)', { eval: true }),
  lie: async () => {
    throw new Error('told wrongly on purpose');
  },
};

/** Of how many pieces of work one leaks. */
export const LEAKS_EVERY = 100;
