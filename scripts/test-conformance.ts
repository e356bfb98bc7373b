import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type Comparison,
  differencesOf,
  jsonOf,
  type Results,
  shortcomings,
  tableOf,
  told,
} from '../tests/conformance/results.ts'
import { FORMS, type Served, serve } from '../tests/conformance/served.ts'
import { type ReadySuite, readySuite, SUITES } from '../tests/conformance/suite.ts'

// The official conformance suite, in front of a server and in front of mcplocal with that server behind it: `npm run test:conformance`.

const HELP = `Usage: npm run test:conformance -- [--suite VERSION] [--json] [--keep]

Runs the server scenarios of @modelcontextprotocol/conformance three times: against the server of tests/conformance/server
itself, and through mcplocal with that server behind it over Streamable HTTP and over STDIO. Prints them side by side.

  --suite VERSION  only this release of the suite: ${SUITES.map(({ version }) => version).join(', ')}
  --json           results and differences as JSON, on stdout
  --keep           keep what the suite wrote, and say where

The suite is no dependency of this project. The first run installs it from the npm registry, at pinned versions and without
install scripts, into node_modules/.cache/conformance; and Node 24 beside it, where this Node is older than 22 and
CONFORMANCE_NODE names no other.

Exit codes: 0 the same results everywhere, 1 differences, 2 wrong usage
`

const say = (line: string): void => void process.stderr.write(`${line}\n`)

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    json: { type: 'boolean' },
    keep: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})
const wanted = SUITES.filter(({ version }) => values.suite === undefined || values.suite === version)
if (values.help === true) {
  process.stdout.write(HELP)
  process.exit(0)
}
if (wanted.length === 0) {
  process.stderr.write(`--suite must be a release that is run here, ${values.suite} is none\n\n${HELP}`)
  process.exit(2)
}

const compare = async (suite: ReadySuite, served: Served, folder: string): Promise<Comparison> => {
  const run = (form: string, url: string): Promise<Results> => {
    say(`suite ${suite.version}: ${form} (${url})`)
    return suite.run(url, join(folder, suite.version, form))
  }
  const direct = await run('direct', served.direct)
  const proxied: Record<string, Results> = {}
  for (const form of FORMS) proxied[form] = await run(form, served.through(form))
  return { suite: suite.version, direct, proxied }
}

const folder = await mkdtemp(join(tmpdir(), 'mcpctl-conformance-'))
const comparisons: Comparison[] = []
try {
  const suites: ReadySuite[] = []
  for (const suite of wanted) suites.push(await readySuite(suite, say))
  const served = await serve(join(folder, 'home'))
  try {
    for (const suite of suites) comparisons.push(await compare(suite, served, folder))
  } finally {
    await served.close()
  }
} finally {
  if (values.keep === true) say(`kept: ${folder}`)
  else await rm(folder, { recursive: true, force: true })
}

const differences = comparisons.flatMap(differencesOf)
const direct = comparisons.flatMap((comparison) =>
  shortcomings(comparison).map((each) => `suite ${comparison.suite} direct: ${each}`),
)
if (values.json === true) process.stdout.write(`${JSON.stringify(jsonOf(comparisons), undefined, 2)}\n`)
else {
  for (const comparison of comparisons) process.stdout.write(`${tableOf(comparison)}\n\n`)
  for (const line of direct) process.stdout.write(`${line}\n`)
  for (const difference of differences) process.stdout.write(`${told(difference)}\n`)
  process.stdout.write(differences.length === 0 ? 'No differences\n' : `${differences.length} differences\n`)
}
process.exitCode = differences.length === 0 ? 0 : 1
