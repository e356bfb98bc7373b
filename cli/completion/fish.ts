import type { Argument } from '../verb.ts'
import { type FlagOutline, families, type ProgramOutline, type VerbOutline } from './outline.ts'

/** A completion script for fish. */
export const fishScript = ({ verbs, kinds }: ProgramOutline): string => {
  const all = families(verbs)
  const seconds = [...all].filter(([, words]) => words.length > 0)
  return `# mcpctl completion for fish
# mcpctl completion fish | source

function __mcpctl_words
    commandline -opc | string match -v -- '-*' | tail -n +2
end
function __mcpctl_verb
    set -l words (__mcpctl_words)
    set -l n (count $argv)
    test (count $words) -ge $n; and test "$words[1..$n]" = "$argv"
end
function __mcpctl_target
    set -l rest (__mcpctl_words)[2..-1]
    set -l cur (commandline -ct)
    if string match -q -- '*/*' "$cur"
        mcpctl __complete targets (string replace -r '/.*' '' -- "$cur") 2>/dev/null
    else if test (count $rest) -ge 1; and not string match -q -- '*/*' "$rest[1]"
        mcpctl __complete names $rest[1] 2>/dev/null
    else
        printf '%s\\n' ${kinds.join(' ')}
    end
end

complete -c mcpctl -f
${[...all.keys()].map((word) => `complete -c mcpctl -n 'test (count (__mcpctl_words)) -eq 0' -a ${word} -d ${quoted(summaryOf(verbs, word))}`).join('\n')}
${seconds.flatMap(([word, second]) => second.map((each) => `complete -c mcpctl -n '__mcpctl_verb ${word}; and test (count (__mcpctl_words)) -eq 1' -a ${each} -d ${quoted(summaryOf(verbs, `${word} ${each}`))}`)).join('\n')}
${verbs.flatMap((verb) => [...verb.flags.map((flag) => flagLine(verb, flag)), ...verb.words.slice(0, 1).flatMap((word) => wordLine(verb, word, kinds)), ...verb.words.slice(1).flatMap((word) => toolLine(verb, word))]).join('\n')}
`
}

const summaryOf = (verbs: readonly VerbOutline[], path: string): string =>
  verbs.find((verb) => verb.path === path)?.summary ??
  verbs
    .filter((verb) => verb.path.startsWith(`${path} `))
    .map((verb) => verb.path.slice(path.length + 1))
    .join(', ')

const flagLine = (
  { path }: VerbOutline,
  { name, short, describe, takesValue, offers, complete }: FlagOutline,
): string =>
  [
    `complete -c mcpctl -n '__mcpctl_verb ${path}' -l ${name}`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    `-d ${quoted(describe)}`,
    ...(takesValue ? ['-r'] : []),
    ...(complete === 'file' ? ['-F'] : []),
    ...(offers.length > 0 ? [`-a ${quoted(offers.join(' '))}`] : []),
    ...(typeof complete === 'object' && 'kind' in complete
      ? [`-a '(mcpctl __complete names ${complete.kind} 2>/dev/null)'`]
      : []),
  ].join(' ')

const wordLine = (
  { path }: VerbOutline,
  { choices, complete }: Argument,
  kinds: readonly string[],
): readonly string[] => {
  const offers =
    choices !== undefined
      ? quoted(choices.join(' '))
      : complete === 'kind'
        ? quoted(kinds.join(' '))
        : complete === 'target' || complete === 'name'
          ? "'(__mcpctl_target)'"
          : typeof complete === 'object'
            ? `'(mcpctl __complete names ${complete.kind} 2>/dev/null)'`
            : undefined
  return offers === undefined ? [] : [`complete -c mcpctl -n '__mcpctl_verb ${path}' -a ${offers}`]
}

/** Tools of the project that is the verb's first word. */
const toolLine = ({ path }: VerbOutline, { complete }: Argument): readonly string[] =>
  complete === 'tool'
    ? [
        `complete -c mcpctl -n '__mcpctl_verb ${path}; and test (count (__mcpctl_words)) -eq 2' -a '(mcpctl __complete tools (__mcpctl_words)[2] 2>/dev/null)'`,
      ]
    : []

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
