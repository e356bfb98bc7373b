/** What the suite says of one thing it looked at. */
export interface Check {
  readonly id: string
  readonly status: string
  readonly errorMessage?: string
}

/** The checks of each scenario of one run. */
export type Results = ReadonlyMap<string, readonly Check[]>

/** The same suite's results in front of the server itself, and through mcplocal. */
export interface Comparison {
  readonly suite: string
  readonly direct: Results
  readonly proxied: Readonly<Record<string, Results>>
}

export interface Difference {
  readonly suite: string
  readonly form: string
  readonly scenario: string
  /** `id: STATUS` of checks with another outcome, or another number of times. */
  readonly direct: readonly string[]
  readonly proxied: readonly string[]
  /** What the suite says is wrong. */
  readonly reasons: readonly string[]
}

/** Checks that pass, and checks that can fail: what the suite only tells (INFO) is neither. */
export const scoreOf = (checks: readonly Check[] = []): { readonly passed: number; readonly of: number } => {
  const counted = checks.filter(({ status }) => status !== 'INFO')
  return { passed: counted.filter(({ status }) => status === 'SUCCESS').length, of: counted.length }
}

const outcomes = (checks: readonly Check[] = []): string[] =>
  checks
    .filter(({ status }) => status !== 'INFO')
    .map(({ id, status }) => `${id}: ${status}`)
    .sort()

/** What stands in `some` more often than in `others`. */
const beyond = (some: readonly string[], others: readonly string[]): string[] => {
  const left = [...others]
  return some.filter((each) => {
    const at = left.indexOf(each)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

/** Where a run through mcplocal differs from the direct one, in any check. */
export const differencesOf = ({ suite, direct, proxied }: Comparison): Difference[] =>
  Object.entries(proxied).flatMap(([form, results]) =>
    [...new Set([...direct.keys(), ...results.keys()])].flatMap((scenario) => {
      const there = outcomes(direct.get(scenario))
      const here = outcomes(results.get(scenario))
      const difference = { direct: beyond(there, here), proxied: beyond(here, there) }
      if (difference.direct.length === 0 && difference.proxied.length === 0) return []
      const reasons = (results.get(scenario) ?? []).flatMap(({ errorMessage }) => errorMessage ?? [])
      return [{ suite, form, scenario, ...difference, reasons }]
    }),
  )

/** Checks that the server itself does not pass: the comparison says little of those. */
export const shortcomings = ({ direct }: Comparison): string[] =>
  [...direct].flatMap(([scenario, checks]) =>
    checks
      .filter(({ status }) => status !== 'INFO' && status !== 'SUCCESS')
      .map(({ id, status, errorMessage = '' }) => `${scenario} ${id}: ${status} ${errorMessage}`.trim()),
  )

/** The table of one suite as Markdown: a row for each scenario, checks passed of those that count. */
export const tableOf = ({ suite, direct, proxied }: Comparison): string => {
  const columns = [direct, ...Object.values(proxied)]
  const cell = (checks: readonly Check[] | undefined): string => {
    const { passed, of } = scoreOf(checks)
    return checks === undefined ? 'not run' : `${passed}/${of}`
  }
  const rows = [...direct.keys()].map((scenario) => [
    scenario,
    ...columns.map((results) => cell(results.get(scenario))),
  ])
  const totals = columns.map((results) => cell([...results.values()].flat()))
  const all = [[suite, 'direct', ...Object.keys(proxied)], ...rows, ['**all**', ...totals.map((each) => `**${each}**`)]]
  const widths = (all[0] ?? []).map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((each, at) => each.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = all
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(line)].join('\n')
}

/** A difference in words. */
export const told = ({ suite, form, scenario, direct, proxied, reasons }: Difference): string =>
  [
    `suite ${suite} ${form} ${scenario}:`,
    ...direct.map((each) => `  only direct:  ${each}`),
    ...proxied.map((each) => `  only through: ${each}`),
    ...reasons.map((each) => `  ${each}`),
  ].join('\n')

/** Everything as JSON: for each suite and form the checks of each scenario, and the differences. */
export const jsonOf = (comparisons: readonly Comparison[]): object => ({
  suites: comparisons.map(({ suite, direct, proxied }) => ({
    suite,
    results: Object.fromEntries(
      Object.entries({ direct, ...proxied }).map(([form, results]) => [
        form,
        Object.fromEntries([...results].map(([scenario, checks]) => [scenario, outcomes(checks)])),
      ]),
    ),
  })),
  differences: comparisons.flatMap(differencesOf),
})
