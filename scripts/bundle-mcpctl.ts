import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { FakeMcpd, TOKEN } from '../cli/testing/fake-mcpd.ts'
import { createRegistry } from '../domain/kernel/registry.ts'
import { kinds } from '../domain/registry.ts'

// The bundles that `cli/bin/mcpctl.cts` starts from: mcpctl's own modules in one script, and each library that most verbs
// need in one of its own, so that `version` does not pay for zod. Part of `npm run build`, after tsc.

const file = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Big libraries that many verbs need, but not all. */
const APART = ['zod', 'yaml']
/** Big ones that few verbs need: from node_modules. */
const OUTSIDE = [
  '@inquirer/prompts',
  '@modelcontextprotocol/sdk',
  'ajv',
  'ajv-formats',
  'jsonc-parser',
  'jsonpath-plus',
  'toml-eslint-parser',
  'ws',
  'yargs',
]

/** Lines that are run so that V8 compiles what most lines need; what it compiled is kept. */
const USUAL = [
  ['create', 'server', 'files', '--command', 'file-server'],
  ['get', 'servers'],
  ['get', 'server/files', '-o', 'yaml'],
  ['version'],
]

const bundle = (entryPoints: Readonly<Record<string, string>>, external: readonly string[]) =>
  build({
    entryPoints,
    external: [...external],
    absWorkingDir: file('.'),
    outdir: 'dist/bundled',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // V8 forgets how a script imports when it takes kept code; the Node versions we run on can require modules.
    supported: { 'dynamic-import': false },
    // One byte a character. Names stay as they are: errors say them.
    charset: 'ascii',
    minifyWhitespace: true,
    legalComments: 'none',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: '(function(module,exports,require,importMetaUrl){' },
    footer: { js: '})' },
  })

// `up` and `console` never run from a bundle.
const ELSEWHERE = ['*/up-system.ts', '*/console/follow.ts', '*/console/screen.tsx']
await bundle({ mcpctl: 'cli/bin/mcpctl.ts' }, [...APART, ...OUTSIDE, ...ELSEWHERE])
await bundle(Object.fromEntries(APART.map((name) => [name, name])), [])
for (const program of ['mcpctl.cjs', 'mcpd.js', 'mcplocal.js']) await chmod(file(`dist/cli/bin/${program}`), 0o755)

const home = await mkdtemp(join(tmpdir(), 'mcpctl-build-'))
const mcpd = new FakeMcpd(createRegistry(kinds))
try {
  for (const name of ['mcpctl', ...APART]) await writeFile(file(`dist/bundled/${name}.js.cache`), '')
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    MCPCTL_HOME: home,
    MCPCTL_SERVER: await mcpd.start(),
    MCPCTL_TOKEN: TOKEN,
  }
  for (const line of USUAL) {
    const args = ['--require', file('scripts/keep-compiled.cjs'), file('dist/cli/bin/mcpctl.cjs'), ...line]
    await promisify(execFile)(process.execPath, args, { env })
  }
} finally {
  await mcpd.stop()
  await rm(home, { recursive: true, force: true })
}
