import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { packageProgram } from '../adapters/process/package-program.ts'
import { readTemplateFolder } from '../adapters/template-files/read-folder.ts'
import { parseTemplate } from '../cli/bin/template-files.ts'
import { createRegistry } from '../domain/kernel/registry.ts'
import { kinds } from '../domain/registry.ts'
import { sourceOf } from '../domain/server/resource.ts'
import { type TemplateSpec, type TemplateVariable, templateSpec } from '../domain/template/resource.ts'

// Compares the templates with what their packages say of themselves: npm's and pip's own configuration say which registry
// is asked. With --write the result goes into docs/templates.md. Ends with 1 when a template is wrong; what nobody could
// answer is said and is no error.

const run = promisify(execFile)
const PAGE = new URL('../docs/templates.md', import.meta.url)
const [BEGIN, END] = ['<!-- begin: npm run check:templates -- --write -->', '<!-- end -->']
const PATIENCE_MS = 180_000

/** What was found out about one template; what is undefined was not said. */
interface Finding {
  readonly version?: string | undefined
  readonly published?: string | undefined
  readonly program?: string | undefined
  readonly deprecated?: string | undefined
  /** What is wrong with the template. */
  readonly wrong: readonly string[]
  /** What nobody could answer here. */
  readonly unanswered?: string
}

const npmAnswer = z.object({
  version: z.string(),
  deprecated: z.union([z.string(), z.boolean()]).optional(),
  time: z.record(z.string(), z.string()).optional(),
})

const npm = async (args: readonly string[]): Promise<string> =>
  (await run('npm', [...args], { timeout: PATIENCE_MS, maxBuffer: 64 * 1024 * 1024 })).stdout

/** Known to be deprecated since 2020: a registry that does not say so of it says so of none. */
const saysDeprecated = async (): Promise<boolean> =>
  (await npm(['view', 'request@2.88.2', 'deprecated']).catch(() => '')).trim() !== ''

const checkNpm = async (spec: TemplateSpec, tellsDeprecated: boolean): Promise<Finding> => {
  const { packageName = '', version = '' } = spec.server
  const text = await npm(['view', `${packageName}@${version}`, '--json', 'version', 'deprecated', 'time']).catch(
    (error: unknown) => outputOf(error).stdout,
  )
  const answer = npmAnswer.safeParse(JSON.parse(text || '{}'))
  if (!answer.success)
    return /E404|ETARGET/.test(text) || text === ''
      ? { wrong: [], unanswered: 'the registry that was asked does not have it' }
      : { wrong: [], unanswered: 'its registry did not answer' }
  const { deprecated, time = {} } = answer.data
  return inFolder(async (folder) => {
    await npm([
      'install',
      '--prefix',
      folder,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${packageName}@${version}`,
    ])
    const root = join(folder, 'node_modules', packageName)
    const program = await packageProgram(folder, packageName)
    const file = [program.command, ...program.args].find((each) => each.startsWith(folder)) ?? program.command
    const parts = z
      .object({ optionalDependencies: z.record(z.string(), z.string()).default({}) })
      .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))).optionalDependencies
    const roots = [root, ...Object.keys(parts).map((name) => join(folder, 'node_modules', name))]
    return {
      version: program.version,
      published: time[version]?.slice(0, 10),
      program: relative(root, file),
      deprecated: tellsDeprecated ? (deprecated ? String(deprecated) : 'no') : undefined,
      wrong: [
        ...(deprecated ? [`is deprecated: ${deprecated}`] : []),
        ...(await unknownNames(spec.environment, roots)),
      ],
    }
  })
}

const checkPython = async (spec: TemplateSpec): Promise<Finding> => {
  const { packageName = '', version = '' } = spec.server
  const wanted = `${packageName}==${version}`
  return inFolder(async (folder) => {
    const flags = ['--no-deps', '--ignore-requires-python', '--retries', '1', '--timeout', '10', '--dest', folder]
    const failed = await run('python3', ['-m', 'pip', 'download', ...flags, wanted], { timeout: PATIENCE_MS }).then(
      () => undefined,
      (error: unknown) => outputOf(error).all,
    )
    if (failed !== undefined)
      return {
        wrong: [],
        unanswered: /connection|resolution/i.test(failed)
          ? 'its registry did not answer'
          : 'the registry that was asked does not have it',
      }
    const [wheel = ''] = await readdir(folder)
    await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), join(folder, 'unpacked')])
    const root = join(folder, 'unpacked')
    const info = (await readdir(root)).find((name) => name.endsWith('.dist-info')) ?? ''
    const entries = await readFile(join(root, info, 'entry_points.txt'), 'utf8').catch(() => '')
    const program = new RegExp(`^${packageName}\\s*=`, 'm').test(entries) ? packageName : undefined
    const missing = program === undefined ? ['has no program of its own name'] : []
    return { version, program, wrong: [...missing, ...(await unknownNames(spec.environment, [root]))] }
  })
}

const checkImage = async ({ server }: TemplateSpec): Promise<Finding> => {
  const { dockerImage = '' } = server
  const version = dockerImage.split(':').at(-1)
  try {
    await run('docker', ['manifest', 'inspect', dockerImage], { timeout: 30_000 })
    return { version, wrong: [] }
  } catch (error) {
    const text = outputOf(error).all
    return /no such manifest|manifest unknown/.test(text)
      ? { version, wrong: ['has no such tag'] }
      : { version, wrong: [], unanswered: 'its registry did not answer' }
  }
}

/** Variables that no file of the package names. */
const unknownNames = async (variables: readonly TemplateVariable[], roots: readonly string[]): Promise<string[]> => {
  const left = new Set(variables.filter((each) => !each.argument).map(({ name }) => name))
  for (const root of roots)
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])) {
      if (left.size === 0) return []
      if (!entry.isFile()) continue
      const bytes = await readFile(join(entry.parentPath, entry.name))
      for (const name of left) if (bytes.includes(name)) left.delete(name)
    }
  return [...left].map((name) => `does not know ${name}`)
}

const inFolder = async <Result>(work: (folder: string) => Promise<Result>): Promise<Result> => {
  const folder = await mkdtemp(join(tmpdir(), 'check-templates-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a program that failed has printed. */
const outputOf = (error: unknown): { readonly stdout: string; readonly all: string } => {
  const { stdout = '', stderr = '' } = z.object({ stdout: z.string(), stderr: z.string() }).partial().parse(error)
  return { stdout, all: `${stdout}\n${stderr}` }
}

const templates = async (): Promise<readonly { readonly name: string; readonly spec: TemplateSpec }[]> => {
  const registry = createRegistry(kinds)
  const found = await readTemplateFolder(new URL('../templates', import.meta.url).pathname)
  return await Promise.all(
    found.map(async (each) => {
      const parsed = 'problem' in each ? each.problem : await parseTemplate(each.text, registry)
      if ('reason' in parsed) throw new Error(`${each.file}: ${parsed.field ?? ''} ${parsed.reason}`)
      return { name: parsed.name, spec: templateSpec.parse(parsed.spec) }
    }),
  )
}

const check = (spec: TemplateSpec, tellsDeprecated: boolean): Promise<Finding> => {
  if (spec.server.dockerImage !== undefined) return checkImage(spec)
  return spec.server.runtime === 'python' ? checkPython(spec) : checkNpm(spec, tellsDeprecated)
}

const environmentCell = (variables: readonly TemplateVariable[]): string =>
  variables
    .map(({ name, required, secret, default: value }) => {
      const words = [required && value === undefined ? 'required' : undefined, secret ? 'secret' : undefined]
      const about = words.filter((word) => word !== undefined).join(', ')
      return `\`${name}\`${about === '' ? '' : ` (${about})`}`
    })
    .join('<br>')

const rows: string[] = []
let wrong = 0
const tellsDeprecated = await saysDeprecated()
for (const { name, spec } of await templates()) {
  const finding = await check(spec, tellsDeprecated)
  const { program = '', published = '', deprecated = 'not said' } = finding
  const result = finding.unanswered ?? (finding.wrong.length > 0 ? finding.wrong.join('; ') : 'as it says')
  wrong += finding.wrong.length
  console.log(`${name}: ${result}`)
  const from = spec.server.dockerImage !== undefined ? 'image' : spec.server.runtime === 'python' ? 'PyPI' : 'npm'
  rows.push(
    `| [${name}](${spec.documentation}) | ${from}: \`${sourceOf(spec.server)}\` | ${published} | ${program === '' ? '' : `\`${program}\``} ` +
      `| ${finding.version === undefined || from === 'image' ? '' : deprecated} | ${environmentCell(spec.environment)} | ${result} |`,
  )
}
if (process.argv.includes('--write')) {
  const page = await readFile(PAGE, 'utf8')
  const table =
    `| template | what it runs | published | program | deprecated | takes | compared |\n` +
    `| --- | --- | --- | --- | --- | --- | --- |\n${rows.join('\n')}`
  const at = new Date().toISOString().slice(0, 10)
  const [head, tail] = [page.slice(0, page.indexOf(BEGIN)), page.slice(page.indexOf(END))]
  await writeFile(PAGE, `${head}${BEGIN}\n\nCompared on ${at}.\n\n${table}\n\n${tail}`)
}
process.exit(wrong === 0 ? 0 : 1)
