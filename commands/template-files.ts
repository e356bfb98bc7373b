import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { NewId } from '../domain/kernel/clock.ts'
import type { DeclaredState } from '../domain/kernel/declared.ts'
import { isObject, type JsonObject } from '../domain/kernel/json.ts'
import type { KindDefinition } from '../domain/kernel/kind.ts'
import type { Logger } from '../domain/kernel/logger.ts'
import { type Labels, streamOf } from '../domain/kernel/name.ts'
import { sameJson } from '../domain/kernel/same-json.ts'
import {
  TEMPLATE_FILES_STREAM,
  type TemplateFileReport,
  type TemplateFiles,
  templateFilesDecider,
} from '../domain/template/files.ts'
import { deciderOf } from './decider-of.ts'
import type { CommandLoop } from './handle.ts'
import { reactorContext } from './reactors/reactor.ts'
import type { ResourceCommands } from './resources.ts'

/** Why a file is not used. */
export interface FileProblem {
  /** Dotted path of the field; absent when it is the whole file. */
  readonly field?: string
  readonly reason: string
}

/** A template as a file declares it. */
export interface FileTemplate {
  readonly name: string
  readonly labels: Labels
  readonly spec: JsonObject
}

/** A file that was found; or a folder that could not be looked into, `wholeFolder` then. `digest` is the SHA-256 (hex) of its bytes. */
export type FoundFile = { readonly file: string } & (
  | { readonly text: string; readonly digest: string }
  | { readonly problem: FileProblem; readonly wholeFolder?: true }
)

export interface TemplateFilesDeps {
  readonly kind: KindDefinition
  readonly loop: CommandLoop
  readonly resources: ResourceCommands
  readonly newId: NewId
  readonly logger: Logger
  /** Reads the text of one file. Never rejects. */
  readonly parse: (text: string) => Promise<FileTemplate | FileProblem>
}

/** Templates that are declared at the same time. */
const AT_ONCE = 16

type Usable =
  | { readonly as: 'unchanged'; readonly file: string; readonly last: TemplateFileReport }
  | { readonly as: 'new'; readonly file: string; readonly digest: string; readonly template: FileTemplate }
interface Broken {
  readonly as: 'broken'
  readonly file: string
  readonly digest?: string
  readonly problem: FileProblem
}

/**
 * Makes the templates what their files say, and reports each file that is new, changed, broken or gone. What a person has
 * changed or deleted stays. A start at which no file has changed reads one stream and appends nothing.
 */
export const declareTemplateFiles = async (deps: TemplateFilesDeps, found: readonly FoundFile[]): Promise<void> => {
  const { state: known } = await deps.loop.load(templateFilesDecider, TEMPLATE_FILES_STREAM)
  const lastOf = new Map(Object.values(known).map((report) => [report.file, report]))
  const looked = await Promise.all(found.flatMap(perFile(known)).map((each) => look(deps, each, lastOf.get(each.file))))
  const { usable, broken } = sorted(looked)
  const declared: TemplateFileReport[] = []
  for (let i = 0; i < usable.length; i += AT_ONCE)
    declared.push(...(await Promise.all(usable.slice(i, i + AT_ONCE).map((each) => declare(deps, each, known)))))
  const taken = new Set(declared.map(({ name }) => name))
  const reports = [...declared, ...broken.map((each) => brokenReport(each, lastOf.get(each.file), taken))]
  const context = reactorContext('templates', deps.newId())
  const command = { type: 'ReportFiles', reports } as const
  const done = await deps.loop.handle(templateFilesDecider, TEMPLATE_FILES_STREAM, command, context)
  for (const { data } of done.events) {
    const report = done.state[String(data.name)]
    if (report !== undefined) say(deps.logger, report)
  }
}

const say = (logger: Logger, { name: template, file, state, field, reason }: TemplateFileReport): void => {
  if (state === 'broken' || state === 'removed')
    logger.warn({ template, file, field, reason }, `template file is ${state}`)
  else if (state === 'changed') logger.info({ template, file, reason }, 'template file is changed')
}

/** A folder that cannot be looked into says so on each template that came from it: none of them is gone. */
const perFile =
  (known: TemplateFiles) =>
  (found: FoundFile): readonly FoundFile[] => {
    if (!('wholeFolder' in found)) return [found]
    const below = Object.values(known).filter(
      ({ file, state }) => state !== 'removed' && file.startsWith(`${found.file}/`),
    )
    const reason = `${found.file}: ${found.problem.reason}`
    return below.length === 0 ? [found] : below.map(({ file }) => ({ file, problem: { reason } }))
  }

const look = async (
  { parse }: TemplateFilesDeps,
  found: FoundFile,
  last: TemplateFileReport | undefined,
): Promise<Usable | Broken> => {
  const { file } = found
  if ('problem' in found) return { as: 'broken', file, problem: found.problem }
  const { digest, text } = found
  if (last?.digest === digest && (last.state === 'ok' || last.state === 'changed'))
    return { as: 'unchanged', file, last }
  const template = await parse(text)
  return 'reason' in template
    ? { as: 'broken', file, digest, problem: template }
    : { as: 'new', file, digest, template }
}

/** What can be used, and what cannot; of two files of one name the first one counts. */
const sorted = (looked: readonly (Usable | Broken)[]): { usable: readonly Usable[]; broken: readonly Broken[] } => {
  const first = new Map<string, string>()
  const usable: Usable[] = []
  const broken: Broken[] = []
  for (const each of looked) {
    if (each.as === 'broken') {
      broken.push(each)
      continue
    }
    const name = each.as === 'new' ? each.template.name : each.last.name
    const other = first.get(name)
    if (other === undefined) {
      first.set(name, each.file)
      usable.push(each)
      continue
    }
    const digest = each.as === 'new' ? each.digest : each.last.digest
    const problem = { field: 'metadata.name', reason: `"${name}" is the template of ${other} already` }
    broken.push({ as: 'broken', file: each.file, problem, ...(digest === undefined ? {} : { digest }) })
  }
  return { usable, broken }
}

const declare = async (
  { kind, loop, resources, newId }: TemplateFilesDeps,
  found: Usable,
  known: TemplateFiles,
): Promise<TemplateFileReport> => {
  if (found.as === 'unchanged') {
    const { reason: _reported, ...last } = found.last
    return last.kept === true ? found.last : { ...last, state: 'ok' }
  }
  const { template, digest, file } = found
  const content = contentHash(template.labels, template.spec)
  const report = { name: template.name, file, state: 'ok', digest, content } as const
  const { state: present } = await loop.load(deciderOf(kind), streamOf({ kind: kind.kind, name: template.name }))
  switch (nextStep(present, content, known[template.name])) {
    case 'leave':
      return report
    case 'keep':
      return { ...report, state: 'changed', kept: true, reason: KEPT }
    case 'declare': {
      const declared = { kind, ...template, mode: 'apply' } as const
      await resources.declare(declared, reactorContext('templates', newId()))
      if (present.status !== 'present') return report
      return { ...report, state: 'changed', reason: `the file has a new ${changedFields(present, template)}` }
    }
  }
}

const KEPT = 'the file differs from what was changed by hand, which stays; "mcpctl apply -f" takes the file\'s'

/** What is done about a template whose file is new or changed. `before` says what it last had from a file. */
const nextStep = (
  present: DeclaredState,
  content: string,
  before: TemplateFileReport | undefined,
): 'declare' | 'leave' | 'keep' => {
  if (present.status !== 'present') {
    // Deleted by hand: it stays so, unless its file was gone meanwhile.
    const wasFromFile = before?.content !== undefined && before.state !== 'removed'
    return wasFromFile ? 'leave' : 'declare'
  }
  const has = contentHash(present.labels ?? {}, present.spec ?? {})
  if (has === content) return 'leave'
  return has === before?.content ? 'declare' : 'keep'
}

/** Which parts of a template a file changed: `server.version, environment`. */
const changedFields = ({ spec = {}, labels = {} }: DeclaredState, template: FileTemplate): string => {
  const differing = (before: JsonObject, after: JsonObject): readonly string[] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => !sameJson(before[key], after[key]))
  const server = differing(asObject(spec.server), asObject(template.spec.server)).map((key) => `server.${key}`)
  const others = differing(spec, template.spec).filter((key) => key !== 'server')
  return [...others, ...server, ...(sameJson(labels, template.labels) ? [] : ['labels'])].join(', ')
}

const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** A broken file is reported on the template that it last held, else under a name of its own that no other file has. */
const brokenReport = (
  { file, digest, problem }: Broken,
  last: TemplateFileReport | undefined,
  taken: Set<string>,
): TemplateFileReport => {
  const name = last !== undefined && !taken.has(last.name) ? last.name : nameFor(file, taken)
  taken.add(name)
  return {
    name,
    file,
    state: 'broken',
    reason: problem.reason.slice(0, MAX_REASON),
    ...(problem.field === undefined || problem.field === '' ? {} : { field: problem.field }),
    ...(digest === undefined ? {} : { digest }),
    // What the template still is: a later file is compared with it.
    ...(last?.name === name && last.content !== undefined ? { content: last.content } : {}),
  }
}

const MAX_REASON = 300

const nameFor = (file: string, taken: ReadonlySet<string>): string => {
  const base =
    (file.split('/').at(-1) ?? '')
      .replace(/\.(ya?ml|json)$/i, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 56)
      .replace(/^-+|-+$/g, '') || 'file'
  let name = base
  for (let n = 2; taken.has(name); n += 1) name = `${base}-${n}`
  return name
}

const contentHash = (labels: Labels, spec: JsonObject): string =>
  createHash('sha256')
    .update(canonicalize({ labels, spec }) ?? '')
    .digest('hex')
