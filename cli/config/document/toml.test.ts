import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { applied, inverted } from './edit.ts'
import { mergeEntry, openDocument, putEntry, removeEntry } from './open.ts'

const FIELDS = { command: 'mcpctl', args: ['mcp', '-p', 'demo'], env: { MCPCTL_HOME: 'C:\\me' } }
const OWNED = ['command', 'args', 'env', 'url', 'bearer_token_env_var']
const PATH = ['mcp_servers', 'demo']
const BLOCK = '[mcp_servers.demo]\ncommand = "mcpctl"\nargs = ["mcp", "-p", "demo"]\nenv = { MCPCTL_HOME = "C:\\\\me" }'
const source = (text: string) => ({ format: 'toml' as const, file: 'config.toml', text })
const put = (text: string): string => putEntry(source(text), PATH, { fields: FIELDS }).text

describe('an entry is a table of its own', () => {
  it.each([
    ['in a new file', '', `${BLOCK}\n`],
    ['at the end', 'model = "o3" # good\n', `model = "o3" # good\n\n${BLOCK}\n`],
    ['at the end, where no newline is', 'model = "o3"', `model = "o3"\n\n${BLOCK}`],
    [
      'behind the other servers',
      '[mcp_servers.a]\ncommand = "x" # mine\n[mcp_servers.a.env]\nK = "v" # key\n\n# for work\n[profiles.p]\nmodel = "o3"\n',
      `[mcp_servers.a]\ncommand = "x" # mine\n[mcp_servers.a.env]\nK = "v" # key\n\n${BLOCK}\n\n# for work\n[profiles.p]\nmodel = "o3"\n`,
    ],
    [
      'beside those on one line',
      '[mcp_servers]\na = { command = "x" }\n',
      `[mcp_servers]\na = { command = "x" }\n\n${BLOCK}\n`,
    ],
  ])('%s', (_, before, after) => {
    expect(put(before)).toBe(after)
    expect(removeEntry(source(after), PATH).text.trim()).toBe(before.trim())
  })

  it('with Windows newlines where the file has them', () => {
    expect(put('\ufeffa = 1\r\n')).toBe(`\ufeffa = 1\r\n\r\n${BLOCK.replaceAll('\n', '\r\n')}\r\n`)
  })

  it('or stays on one line where it stands so', () => {
    expect(put('[mcp_servers]\ndemo = { command = "x" } # mine\nb = {}\n')).toBe(
      '[mcp_servers]\ndemo = { command = "mcpctl", args = ["mcp", "-p", "demo"], env = { MCPCTL_HOME = "C:\\\\me" } } # mine\nb = {}\n',
    )
  })
})

describe('an entry that is ours', () => {
  it('keeps what the user added, comments too', () => {
    const before = `# top\n${BLOCK}\n# be patient\nstartup_timeout_sec = 20.0 # s\n\n[mcp_servers.demo.tools.x]\nenabled = false\n\n[other]\n`
    const fields = { url: 'http://x/projects/demo/mcp', bearer_token_env_var: 'MCPCTL_TOKEN' }
    expect(mergeEntry(source(before), PATH, fields, OWNED).text).toBe(
      '# top\n[mcp_servers.demo]\n# be patient\nstartup_timeout_sec = 20.0 # s\nurl = "http://x/projects/demo/mcp"\nbearer_token_env_var = "MCPCTL_TOKEN"\n\n[mcp_servers.demo.tools.x]\nenabled = false\n\n[other]\n',
    )
  })

  it('is the same when its environment is a table', () => {
    const before =
      '[mcp_servers.demo]\nargs = [\n  "mcp", # the verb\n  "-p",\n  "demo",\n]\ncommand = \'mcpctl\'\n[mcp_servers.demo.env]\nMCPCTL_HOME = \'C:\\me\'\n'
    expect(mergeEntry(source(before), PATH, FIELDS, OWNED).edits).toEqual([])
    const other = mergeEntry(
      source(before),
      PATH,
      { command: 'mcpctl', args: FIELDS.args, env: { A: 'b' } },
      OWNED,
    ).text
    expect(parse(other)).toEqual({ mcp_servers: { demo: { command: 'mcpctl', args: FIELDS.args, env: { A: 'b' } } } })
  })

  it('on one line keeps the fields of the user', () => {
    const before = 'mcp_servers.demo = { command = "mcpctl", enabled = false }\n'
    expect(mergeEntry(source(before), PATH, { url: 'http://x' }, OWNED).text).toBe(
      'mcp_servers.demo = { enabled = false, url = "http://x" }\n',
    )
  })
})

describe('a file that cannot be edited is refused with its place', () => {
  it.each([
    ['a = [\n  1,,\n]', 'config.toml:2:5: it is no TOML'],
    ['[a]\nb = 1\n[a]\n', 'config.toml:3:2: it is no TOML'],
    [
      'mcp_servers = { a = {} }\n',
      'config.toml:1:1: mcp_servers is written on one line; write it as [mcp_servers.demo]',
    ],
    ['[mcp_servers]\ndemo.command = "x"\n', 'config.toml:2:1: mcp_servers.demo is written as dotted keys'],
    ['mcp_servers = 3\n', 'config.toml:1:1: mcp_servers is written on one line'],
    ['[[mcp_servers]]\n', 'config.toml:1:1: mcp_servers is a list'],
  ])('%s', (text, message) => {
    expect(() => put(text)).toThrow(message)
  })
})

// Documents of every form, each part with comments and white space of its own.
const name = fc.constantFrom('a', 'b-c', '"d.e"', "'f g'", '1')
const comment = fc.option(fc.constantFrom('# c', '# c [x]', '# c = "', "# c '''"), { nil: '' })
const scalar = fc.oneof(
  fc.string({ maxLength: 8, unit: 'grapheme-ascii' }).map((each) => JSON.stringify(each)),
  fc.constantFrom(
    '1',
    '-0.5',
    'true',
    '1979-05-27T07:32:00Z',
    '07:32:00',
    '"""\nx # no comment\n[y]\n"""',
    "'''\n = '''",
    "'C:\\'",
    'inf',
    '0xff',
  ),
)
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }).map((each) => `[ ${each.join(', ')} ]`),
  fc.array(scalar, { maxLength: 3 }).map((each) => `[ # c\n${each.map((one) => `  ${one}, # c\n`).join('')}]`),
  fc
    .uniqueArray(name, { maxLength: 3 })
    .chain((keys) =>
      fc.tuple(...keys.map((each) => scalar.filter((one) => !one.includes('\n')).map((one) => `${each} = ${one}`))),
    )
    .map((each) => `{ ${each.join(', ')} }`),
)
const keyValues = fc
  .uniqueArray(fc.tuple(name, value, comment, fc.constantFrom('', '\n', '# c\n', '  ')), {
    maxLength: 4,
    selector: ([each]) => each,
  })
  .map((lines) => lines.map(([key, each, after, before]) => `${before}${key} = ${each} ${after}\n`).join(''))
const table = fc.tuple(
  fc.constantFrom(
    't',
    'mcp_servers',
    'mcp_servers.x',
    'mcp_servers.x.env',
    '"mcp_servers".y',
    'mcp_servers.demo2',
    'profiles."mcp_servers.demo"',
  ),
  comment,
  keyValues,
)
const text = fc
  .tuple(
    keyValues,
    fc.uniqueArray(table, { maxLength: 6, selector: ([each]) => each }),
    fc.boolean(),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([top, tables, crlf, bom, final]) => {
    const lines = top + tables.map(([each, after, inside]) => `\n[${each}] ${after}\n${inside}`).join('')
    const whole = final ? lines : lines.replace(/\n+$/, '')
    return (bom ? '\ufeff' : '') + (crlf ? whole.replaceAll('\n', '\r\n') : whole)
  })
  .filter((each) => isToml(each))

/** Some tables define what others have defined as values. */
const isToml = (each: string): boolean => {
  try {
    parse(each.replace('\ufeff', ''))
    return true
  } catch {
    return false
  }
}
const data = (each: string) => parse(each.replace('\ufeff', ''))
const commentsOf = (each: string): number => each.split('# c').length

describe('for any document', () => {
  it('a new entry changes nothing else, as another parser sees it, and can be taken back to the byte', () => {
    fc.assert(
      fc.property(text, (before) => {
        const { text: after, edits } = putEntry(source(before), PATH, { fields: FIELDS })
        const { mcp_servers: entries, ...rest } = data(after)
        const { mcp_servers: old, ...oldRest } = data(before)
        expect(rest).toEqual(oldRest)
        expect(entries).toEqual({ ...(old as object | undefined), demo: FIELDS })
        expect(edits.every(({ remove }) => remove === '')).toBe(true)
        expect(commentsOf(after)).toBe(commentsOf(before))
        expect(applied(after, inverted(edits))).toBe(before)
        expect(data(removeEntry(source(after), PATH).text)).toEqual(
          old === undefined ? data(before) : { ...oldRest, mcp_servers: old },
        )
      }),
      { numRuns: 300 },
    )
  })

  it('replacing an entry keeps the rest, and it can be put back', () => {
    fc.assert(
      fc.property(text, keyValues, fc.boolean(), (around, inside, sub) => {
        const header = '[mcp_servers.demo]\n'
        const before = `${around}\n\n${header}${inside}${sub ? '[mcp_servers.demo.env]\nSECRET = "s"\n' : ''}\n[last]\n# c\n`
        if (!isToml(before)) return
        const was = openDocument('toml', before, 'f').source(PATH) ?? ''
        const { text: after, edits } = putEntry(source(before), PATH, { fields: FIELDS })
        expect(data(after)).toEqual({
          ...data(before),
          mcp_servers: { ...(data(before).mcp_servers as object), demo: FIELDS },
        })
        expect(after.endsWith('\n[last]\n# c\n')).toBe(true)
        expect(applied(after, inverted(edits))).toBe(before)
        expect(data(putEntry(source(after), PATH, { source: was }).text)).toEqual(data(before))
      }),
      { numRuns: 200 },
    )
  })
})
