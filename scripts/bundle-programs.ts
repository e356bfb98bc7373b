import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

// Puts mcpd, mcplocal, what `mcpctl up` runs and the projector's thread into a few files each, libraries included, in place
// of what tsc made of them: Node takes half a second and 25 MB a thread to load their 900 modules one by one. Part of
// `npm run build`, after tsc.

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PROGRAMS = ['mcpd', 'mcplocal', 'up-system', 'projector-worker']

/** Libraries that find files of their own beside them, or that most starts do not need. */
const LIBRARIES_APART = [
  'lmdb',
  '@electric-sql/pglite',
  '@eventstore/db-client',
  'pg',
  'pino',
  '@modelcontextprotocol/sdk',
  'dockerode',
  'undici',
]
/** Modules that `mcpctl` loads too: `up` and its caller are to know the same errors. */
const MODULES_APART = /^(cli\/(?!bin\/)|domain\/kernel\/errors\.ts$)/

const compiled = (path: string): string => `${path.slice(0, -'.ts'.length)}.js`

/** Keeps some modules out, and gives the others the URLs that they would have had by themselves. */
const inPlace: Plugin = {
  name: 'in-place',
  setup(bundle) {
    bundle.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const module = relative(ROOT, resolve(resolveDir, path))
      return MODULES_APART.test(module) ? { path: fromPrograms(module), external: true } : undefined
    })
    bundle.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const own = `new URL(${JSON.stringify(fromPrograms(relative(ROOT, path)))}, import.meta.url).href`
      return { contents: source.replaceAll('import.meta.url', own), loader: 'ts', resolveDir: dirname(path) }
    })
  },
}

/** Where a module's compiled form is, seen from the folder that all files of the bundle lie in. */
const fromPrograms = (module: string): string => {
  const path = relative('cli/bin', compiled(module))
  return path.startsWith('.') ? path : `./${path}`
}

await build({
  entryPoints: PROGRAMS.map((name) => join(ROOT, `cli/bin/${name}.ts`)),
  outdir: join(ROOT, 'dist/cli/bin'),
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: LIBRARIES_APART,
  plugins: [inPlace],
  // One byte a character: V8 keeps the sources.
  charset: 'ascii',
  legalComments: 'none',
  sourcemap: true,
  sourcesContent: false,
  // What libraries in CommonJS ask for of Node.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
})
