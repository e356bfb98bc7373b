import { messageOf } from '../../domain/kernel/errors.ts'
import type { KindDefinition } from '../../domain/kernel/kind.ts'
import {
  fillTemplate,
  flawsOfGiven,
  type GivenValues,
  missingFrom,
  type SecretKey,
} from '../../domain/template/fill.ts'
import { fileStateOf, type TemplateSpec, type TemplateVariable, templateSpec } from '../../domain/template/resource.ts'
import type { MutationAnswer } from '../api/answers.ts'
import { canAsk } from '../ask.ts'
import type { Deps } from '../deps.ts'
import { CliError, exitCode, usageError } from '../errors.ts'
import { findKind, getTarget } from '../targets.ts'
import type { ExtraValues } from '../verb.ts'
import { environmentOf } from './own-flags.ts'

/** What the flags of `create` come on top of. */
export interface Base {
  readonly spec: Readonly<Record<string, unknown>>
  /** Members that the base has made of flags itself. */
  readonly fixed?: Readonly<Record<string, unknown>>
  readonly labels?: Readonly<Record<string, string>>
  /** Creates the resource, with what has to be done before it, and undone when it fails. */
  readonly around?: (create: () => Promise<MutationAnswer>) => Promise<MutationAnswer>
}

interface Wanted {
  readonly template: string
  /** Name of the server to create. */
  readonly server: string
  readonly dryRun: string | undefined
}

/** On a server that was made from a template: which one. */
const TEMPLATE_LABEL = 'mcpctl/template'

/**
 * The spec of a server made from a template. What the template needs and no flag gives is asked for on a terminal; secrets
 * that are asked for go into a secret of the server's own, and from there to the server.
 * @throws CliError `values-missing`, `template-broken`, `secret-on-command-line`
 */
export const fromTemplate = async (deps: Deps, wanted: Wanted, extra: ExtraValues): Promise<Base> => {
  const registry = await deps.registry()
  const kind = (name: string) => findKind(registry, name)
  const spec = await templateOf(deps, kind('template'), wanted.template)
  const given = givenBy(extra)
  refuse(spec, given)
  const missing = missingFrom(spec, given)
  if (wanted.dryRun === undefined) await assertFree(deps, kind('server'), wanted.server)
  const secret = secretFor(wanted.server)
  const secretNames = missing.filter((each) => each.secret).map(({ name }) => name)
  if (secretNames.length > 0 && wanted.dryRun === undefined) await assertFree(deps, kind('secret'), secret, secretNames)
  if (wanted.dryRun === 'server' && secretNames.length > 0)
    throw usageError(`mcpd cannot try out a server whose secret/${secret} is not there yet`, 'Use --dry-run=client')
  const answers = await ask(deps, wanted, missing)
  const all: GivenValues = {
    values: new Map([...given.values, ...answers.values]),
    secrets: new Map([...given.secrets, ...secretNames.map((key) => [key, { name: secret, key }] as const)]),
  }
  const { env, ...server } = fillTemplate(spec, all)
  if (secretNames.length > 0 && wanted.dryRun !== undefined)
    deps.out.note(`secret/${secret} with ${secretNames.join(', ')} would be created before it`)
  return {
    spec: server,
    fixed: { env },
    labels: { [TEMPLATE_LABEL]: wanted.template },
    ...(answers.secrets.size === 0 || wanted.dryRun !== undefined
      ? {}
      : { around: withSecret(deps, kind('secret'), secret, answers.secrets) }),
  }
}

const templateOf = async (deps: Deps, kind: KindDefinition, name: string): Promise<TemplateSpec> => {
  const { spec, status = {} } = await getTarget(deps.api, { kind, name })
  const parsed = templateSpec.safeParse(spec)
  const state = `${status.file ?? ''}: ${fileStateOf(status)}`
  if (!parsed.success)
    throw new CliError('template-broken', `template/${name} cannot be used: ${state}`, {
      hint: 'Mend the file, and start mcpd again',
    })
  if (status.state === 'broken') deps.out.note(`template/${name} is used as it last was; its file is not: ${state}`)
  return parsed.data
}

const givenBy = (extra: ExtraValues): GivenValues => {
  const values = new Map<string, string>()
  const secrets = new Map<string, SecretKey>()
  for (const each of environmentOf(extra)) {
    if (values.has(each.name) || secrets.has(each.name)) throw usageError(`${each.name} is given twice`)
    if ('value' in each) values.set(each.name, each.value)
    else secrets.set(each.name, each.valueFrom.secretRef)
  }
  return { values, secrets }
}

const refuse = (spec: TemplateSpec, given: GivenValues): void => {
  for (const { name, problem } of flawsOfGiven(spec, given)) {
    if (problem === 'argument-from-secret')
      throw usageError(`${name} becomes an argument, which others can see: it cannot be from a secret`)
    throw new CliError(
      'secret-on-command-line',
      `${name} is a secret: on the command line it stands in the process list and in the history of your shell`,
      {
        exit: exitCode.usage,
        hint: `Leave it out to be asked for it, or make a secret ("mcpctl create secret NAME --from-stdin ${name}") and use --env-from ${name}=NAME/${name}`,
      },
    )
  }
}

/** Before anybody is asked for anything. */
const assertFree = async (
  { api }: Deps,
  kind: KindDefinition,
  name: string,
  keys: readonly string[] = [],
): Promise<void> => {
  if ((await api.find(kind, name)) === undefined) return
  const uses = keys.map((key) => `--env-from ${key}=${name}/${key}`).join(' ')
  throw new CliError('already-exists', `${kind.kind}/${name} exists already`, {
    hint: keys.length === 0 ? 'Choose another name' : `Use what is in it: ${uses}`,
  })
}

const secretFor = (server: string): string => `${server.slice(0, 59).replace(/-+$/, '')}-env`

const ask = async (
  deps: Deps,
  { template, server, dryRun }: Wanted,
  missing: readonly TemplateVariable[],
): Promise<{ readonly values: ReadonlyMap<string, string>; readonly secrets: ReadonlyMap<string, string> }> => {
  // A dry run makes no secret: there is nothing to ask for one.
  const open = missing.filter((each) => dryRun === undefined || !each.secret)
  const values = new Map<string, string>()
  const secrets = new Map<string, string>()
  if (open.length > 0 && !canAsk(deps)) throw valuesMissing(template, server, open)
  for (const variable of open) {
    const { name, description, secret } = variable
    const question = description === undefined ? name : `${name} (${description})`
    const answer = secret ? await deps.prompt.password(question) : await deps.prompt.text(question)
    if (answer === '') throw valuesMissing(template, server, [variable])
    ;(secret ? secrets : values).set(name, answer)
  }
  return { values, secrets }
}

const valuesMissing = (template: string, server: string, missing: readonly TemplateVariable[]): CliError => {
  const secret = missing.filter((each) => each.secret).map(({ name }) => name)
  const clear = missing.filter((each) => !each.secret).map(({ name }) => name)
  const ways = [
    ...clear.map((name) => `--env ${name}=…`),
    ...secret.map((name) => `--env-from ${name}=${secretFor(server)}/${name}`),
  ]
  const first = secret[0]
  const make =
    first === undefined
      ? ''
      : `; make the secret first: mcpctl create secret ${secretFor(server)} --from-stdin ${first}`
  return new CliError('values-missing', `template/${template} needs ${missing.map(({ name }) => name).join(', ')}`, {
    exit: exitCode.usage,
    fields: missing.map(({ name, description, secret: isSecret }) => ({
      path: name,
      message: `${isSecret ? 'a secret' : 'a value'}${description === undefined ? '' : `: ${description}`}`,
    })),
    hint: `Answer on a terminal, or give ${ways.join(' ')}${make}`,
  })
}

/** The secret first, for the server refers to it; it goes again when there is no server. */
const withSecret =
  (deps: Deps, kind: KindDefinition, name: string, values: ReadonlyMap<string, string>): NonNullable<Base['around']> =>
  async (create) => {
    await deps.api.create(kind, { name, labels: {}, spec: { data: Object.fromEntries(values) } })
    deps.out.line(`secret/${name} created`)
    try {
      return await create()
    } catch (error) {
      await deps.api.delete(kind, name).then(
        () => deps.out.note(`secret/${name} was deleted again`),
        (problem: unknown) => deps.out.note(`secret/${name} stays: ${messageOf(problem)}`),
      )
      throw error
    }
  }
