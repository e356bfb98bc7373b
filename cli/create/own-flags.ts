import { readFile } from 'node:fs/promises'
import { messageOf } from '../../domain/kernel/errors.ts'
import { canAsk, withoutLastNewline } from '../ask.ts'
import type { Deps } from '../deps.ts'
import { CliError, usageError } from '../errors.ts'
import type { ExtraValues, Options } from '../verb.ts'
import { keyValue, texts } from './flags.ts'

/** What a kind's `create` has beyond the flags that its schema gives. */
export interface OwnFlags {
  readonly options: Options
  /** Flags from the schema that these stand in for. */
  readonly instead: readonly string[]
  /** Members of the spec, from the flags. */
  spec(deps: Deps, values: ExtraValues): Promise<Readonly<Record<string, unknown>>>
  /** What is done once the resource exists. */
  after?(deps: Deps, name: string, values: ExtraValues): Promise<void>
  readonly examples: readonly (readonly [command: string, purpose: string])[]
}

const server: OwnFlags = {
  instead: ['package-name', 'env'],
  options: {
    package: { type: 'string', describe: 'npm package that is installed once and run' },
    env: { type: 'string', many: true, describe: 'Environment variable: K=V' },
    'env-from': { type: 'string', many: true, describe: 'Environment variable from a secret: K=SECRET/KEY' },
  },
  examples: [
    ['$0 create server everything --package @modelcontextprotocol/server-everything', 'a server from npm'],
    ['$0 create server github --package some-server --env-from TOKEN=github/token', 'with a secret in its environment'],
    ['$0 create server files --from-template filesystem --env FOLDER=/srv/docs', 'from a template'],
    ['$0 create server mine --command node -- server.js --verbose', 'a program on the machine of mcpd'],
  ],
  async spec(_deps, values) {
    const env = environmentOf(values)
    return {
      ...(values.package === undefined ? {} : { packageName: values.package }),
      ...(env.length === 0 ? {} : { env }),
    }
  },
}

/** What `--env` and `--env-from` give a server. */
export const environmentOf = (values: ExtraValues) => [
  ...texts(values.env).map((each) => {
    const [name, value] = keyValue('--env', each)
    return { name, value }
  }),
  ...texts(values['env-from']).map((each) => {
    const [name, from] = keyValue('--env-from', each)
    const [secret = '', key = '', more] = from.split('/')
    if (secret === '' || key === '' || more !== undefined)
      throw usageError(`--env-from ${name}: wants SECRET/KEY, not "${from}"`, 'Example: --env-from TOKEN=github/token')
    return { name, valueFrom: { secretRef: { name: secret, key } } }
  }),
]

const secret: OwnFlags = {
  instead: ['data'],
  options: {
    'from-file': { type: 'string', many: true, describe: 'Value from a file: K=PATH', complete: 'file' },
    'from-stdin': { type: 'string', describe: 'Value from standard input, of this key' },
    prompt: { type: 'string', many: true, describe: 'Ask for the value of this key, without echo' },
    'from-literal': { type: 'string', many: true, describe: 'Value on the command line, where others can see it: K=V' },
  },
  examples: [
    ['$0 create secret github --prompt token', 'asks for the value'],
    ['pass show github | $0 create secret github --from-stdin token', 'from a password manager'],
    ['$0 create secret tls --from-file key=server.key --from-file cert=server.crt', 'from files'],
  ],
  async spec(deps, values) {
    const data: [string, string][] = []
    for (const each of texts(values['from-file'])) data.push(await fromFile(each))
    for (const each of texts(values['from-literal'])) data.push([...keyValue('--from-literal', each)])
    if (texts(values['from-literal']).length > 0)
      deps.out.note('warning: a value on the command line stands in the process list and in the history of your shell')
    const key = values['from-stdin']
    if (typeof key === 'string') data.push([key, withoutLastNewline(await deps.input.text())])
    for (const each of texts(values.prompt)) {
      if (!canAsk(deps)) throw usageError('there is no terminal to ask on', 'Use --from-stdin or --from-file')
      data.push([each, await deps.prompt.password(`Value of ${each}`)])
    }
    if (data.length === 0)
      throw usageError('a secret needs a value', 'Use --prompt KEY, --from-stdin KEY or --from-file KEY=PATH')
    const twice = data.find(([name], i) => data.findIndex(([other]) => other === name) !== i)
    if (twice !== undefined) throw usageError(`${twice[0]} is given twice`)
    return { data: Object.fromEntries(data) }
  },
}

const fromFile = async (text: string): Promise<[string, string]> => {
  const [key, path] = keyValue('--from-file', text)
  try {
    const value = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
    return [key, withoutLastNewline(value)]
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is no UTF-8 text' : messageOf(error)
    throw new CliError('no-such-file', `--from-file ${key}: ${path} cannot be read: ${reason}`)
  }
}

const secretbackend: OwnFlags = {
  instead: [],
  options: { default: { type: 'boolean', describe: 'Make it the backend of secrets that name none' } },
  examples: [['$0 create secretbackend vault --type encrypted --default', 'used by every secret that names no other']],
  spec: async () => ({}),
  async after(deps, name, values) {
    if (values.default !== true) return
    await deps.api.makeDefaultBackend(name)
    deps.out.line(`secretbackend/${name} is the default`)
  },
}

const project: OwnFlags = {
  instead: [],
  options: {},
  examples: [['$0 create project demo --server everything --server github', 'one endpoint for two servers']],
  spec: async () => ({}),
}

const NONE: OwnFlags = { instead: [], options: {}, examples: [], spec: async () => ({}) }
const byKind: Readonly<Record<string, OwnFlags>> = { server, secret, secretbackend, project }

/** Only what a schema cannot say; a kind that is not here has the flags of its schema. */
export const ownFlags = (kind: string): OwnFlags => (Object.hasOwn(byKind, kind) ? (byKind[kind] ?? NONE) : NONE)
