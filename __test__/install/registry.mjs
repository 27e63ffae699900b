// A registry of our own on the loopback interface. What is not ours it fetches from the one that npm is configured with.

import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const LIMIT_MS = 60_000;

/** Runs verdaccio, which `tools` has, with all that it keeps in `directory`. `stop` ends it. */
export async function startRegistry(tools, directory, upstream) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  mkdirSync(directory);
  // JSON is YAML.
  const config = {
    storage: join(directory, 'storage'),
    auth: { htpasswd: { file: join(directory, 'users') } },
    uplinks: { upstream: { url: upstream, timeout: '60s', max_fails: 10 } },
    packages: {
      'procward*': { access: '$all', publish: '$all' },
      '**': { access: '$all', proxy: 'upstream' },
    },
    web: { enable: false },
    max_body_size: '50mb',
    log: { type: 'stdout', format: 'json', level: 'warn' },
  };
  const path = join(directory, 'config.yaml');
  writeFileSync(path, JSON.stringify(config));
  const logPath = join(directory, 'log');
  const log = openSync(logPath, 'a');
  const program = join(tools, 'node_modules/verdaccio/bin/verdaccio');
  const child = spawn(process.execPath, [program, '--config', path, '--listen', `127.0.0.1:${port}`], {
    cwd: directory,
    stdio: ['ignore', log, log],
  });
  const stop = () => child.kill('SIGKILL');
  const limit = performance.now() + LIMIT_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > limit) {
      stop();
      throw new Error(`the registry did not start:\n${readFileSync(logPath, 'utf8')}`);
    }
    await delay(100);
  }
  return { url, stop };
}

async function answers(url) {
  try {
    return (await fetch(`${url}-/ping`)).ok;
  } catch {
    return false;
  }
}

/** One that nobody listened on a moment ago. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
