const swc = require('@swc/core')

// dependency-cruiser never tells swc that a file has JSX in it, and what swc cannot parse is not checked.
const { parseFileSync } = swc
swc.parseFileSync = (path, options) => parseFileSync(path, { ...options, tsx: path.endsWith('.tsx') })

const NOT_TESTS = '(\\.test\\.ts$|/testing/|^adapters/event-log-contract/)'

/** The layers: data flows one way round, and so do imports. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: NOT_TESTS },
  to: { path: '^(domain|commands|projections|queries|adapters|proxy|cli|migrations|bench)/', pathNot: allowed },
})
const from = (path) => `^${path}/`

/** A library that belongs to one place. */
const library = (module, places) => ({
  name: `${module.replaceAll('/', '-')}-in-its-place`,
  comment: `${module} is used in ${places.join(', ')} only`,
  severity: 'error',
  from: { pathNot: [...places.map((place) => `^${place}`), NOT_TESTS, '^bench/'] },
  to: { path: `node_modules/${module}/` },
})

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'No cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['dynamic-import'] } },
    },
    {
      name: 'no-unresolved',
      comment: 'Every import resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    { ...only('domain-is-pure', from('domain'), '^domain/', 'domain/ imports only itself and zod') },
    {
      name: 'domain-imports-only-zod',
      comment: 'domain/ imports no library but zod, and nothing of Node',
      severity: 'error',
      from: { path: '^domain/', pathNot: NOT_TESTS },
      to: { dependencyTypes: ['npm', 'npm-dev', 'core'], pathNot: 'node_modules/zod/' },
    },
    only('commands', from('commands'), '^(domain|commands)/', 'commands/ imports domain/'),
    only('projections', from('projections'), '^(domain|projections)/', 'projections/ imports domain/'),
    only(
      'migrations',
      from('migrations'),
      '^(domain|projections|migrations)/',
      'migrations/ imports projections/tables',
    ),
    {
      name: 'queries',
      comment: 'queries/ imports domain/ and the tables of projections/',
      severity: 'error',
      from: { path: '^queries/', pathNot: NOT_TESTS },
      to: { path: '^(commands|adapters|proxy|cli|migrations|projections)/', pathNot: '^projections/tables\\.ts$' },
    },
    {
      name: 'commands-know-no-reactors',
      comment: 'reactors import commands, not the other way round',
      severity: 'error',
      from: { path: '^commands/(?!reactors/)', pathNot: NOT_TESTS },
      to: { path: '^commands/reactors/(?!reactor\\.ts$)' },
    },
    {
      name: 'adapters-apart',
      comment: 'adapters never import each other',
      severity: 'error',
      from: { path: '^adapters/([^/]+)/', pathNot: NOT_TESTS },
      to: { path: '^adapters/', pathNot: '^adapters/$1/' },
    },
    {
      name: 'adapters-below-programs',
      comment: 'adapters know neither mcplocal nor the command line',
      severity: 'error',
      from: { path: '^adapters/', pathNot: NOT_TESTS },
      to: { path: '^(proxy|cli)/' },
    },
    only('proxy', from('proxy'), '^(domain|proxy)/', 'proxy/ imports no server code'),
    {
      ...only('cli', '^cli/(?!bin/)', '^(domain|proxy|cli)/', 'verbs import no server code'),
    },
    {
      name: 'not-to-tests',
      comment: 'programs do not import tests or what is made for them',
      severity: 'error',
      from: { pathNot: [NOT_TESTS, '^bench/'] },
      to: { path: '(\\.test\\.ts$|/testing/|^adapters/event-log-contract/)' },
    },
    library('@eventstore/db-client', ['adapters/eventstore/']),
    library('lmdb', ['adapters/embedded-log/', 'adapters/data-folder/']),
    library('fastify', ['adapters/http/']),
    library('kysely', ['projections/', 'queries/', 'adapters/postgres/', 'migrations/']),
    library('pg', ['adapters/postgres/']),
    library('dockerode', ['adapters/docker/']),
    library('@electric-sql/pglite', ['adapters/postgres/']),
    library('yargs', ['cli/']),
    library('undici', ['adapters/mcp-http/']),
    library('ink', ['cli/console/']),
    library('react', ['cli/console/']),
    library('eventsource-parser', ['adapters/mcp-http/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^dist/|node_modules/.*node_modules)' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
