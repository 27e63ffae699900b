// The package managers that procward is installed with: how each is run, with everything it keeps in one directory.

import { join } from 'node:path';

export const TYPES = '@types/node@20';

/** @returns for each: its name, the words that install packages, the words that run a program, and its environment. */
export function managers({ tools, npm, cache, url }) {
  const pnpm = [process.execPath, join(tools, 'node_modules/pnpm/bin/pnpm.cjs')];
  const yarn = [process.execPath, join(tools, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js')];
  const shared = {
    npm_config_registry: url,
    npm_config_cache: join(cache, 'npm'),
    npm_config_update_notifier: 'false',
  };
  const yarns = {
    YARN_NPM_REGISTRY_SERVER: url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_GLOBAL_FOLDER: join(cache, 'yarn'),
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
    // Ours was published a moment ago.
    YARN_NPM_MINIMAL_AGE_GATE: '0',
  };
  const node = [process.execPath];
  return [
    { name: 'npm', add: [...npm, 'install', '--no-audit', '--no-fund'], run: node, env: shared, compiles: true },
    {
      name: 'pnpm',
      add: [...pnpm, 'add'],
      run: node,
      env: { ...shared, npm_config_store_dir: join(cache, 'pnpm'), npm_config_minimum_release_age: '0' },
      compiles: true,
    },
    {
      name: 'yarn',
      add: [...yarn, 'add'],
      run: node,
      env: { ...shared, ...yarns, YARN_NODE_LINKER: 'node-modules' },
      compiles: true,
    },
    {
      name: 'yarn without node_modules',
      add: [...yarn, 'add'],
      run: [...yarn, 'node'],
      env: { ...shared, ...yarns, YARN_NODE_LINKER: 'pnp' },
      compiles: false,
    },
  ];
}
