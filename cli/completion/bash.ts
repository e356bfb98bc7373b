import type { Argument } from '../verb.ts'
import { type FlagOutline, families, type ProgramOutline, type VerbOutline } from './outline.ts'

/** A completion script for bash. Verbs and flags stand in it; names of resources are asked of mcpctl when they are needed. */
export const bashScript = (program: ProgramOutline): string => `# mcpctl completion for bash
# source <(mcpctl completion bash)

${common(program)}
complete -F _mcpctl mcpctl
`

/** The same for zsh, through its emulation of bash's completion. */
export const zshScript = (program: ProgramOutline): string => `#compdef mcpctl
# mcpctl completion for zsh
# source <(mcpctl completion zsh)

autoload -U +X compinit bashcompinit
(( \${+functions[compdef]} )) || compinit
bashcompinit

${common(program)}
complete -F _mcpctl mcpctl
`

const common = ({ verbs, kinds }: ProgramOutline): string => {
  const seconds = [...families(verbs)].filter(([, words]) => words.length > 0)
  const isVerb = (word: string): boolean => verbs.some(({ path }) => path === word)
  return `_mcpctl_kinds='${kinds.join(' ')}'

_mcpctl_offer() { COMPREPLY=( $(compgen -W "$1" -- "$cur") ); }
_mcpctl_names() { _mcpctl_offer "$(mcpctl __complete names "$1" 2>/dev/null)"; }
_mcpctl_target() {
  if [[ -n $1 && $1 != */* && $1 != *,* ]]; then _mcpctl_names "$1"
  elif [[ $cur == */* || -n $1 ]]; then _mcpctl_offer "$(mcpctl __complete targets "\${cur%%/*}" 2>/dev/null)"
  else _mcpctl_offer "$_mcpctl_kinds"; fi
}

_mcpctl() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb='' first='' count=0 i word
  COMPREPLY=()
  for (( i = 1; i < COMP_CWORD; i++ )); do
    word=\${COMP_WORDS[i]}
    case "$verb $word" in
${verbs.flatMap(valueFlags).join('\n')}
    esac
    case $word in -*) continue ;; esac
    case "$verb" in
      '') verb=$word ;;
${seconds.map(secondWord).join('\n')}
      *) count=$(( count + 1 )); [[ $count == 1 ]] && first=$word ;;
    esac
  done
  case "$verb" in
    '') _mcpctl_offer '${[...families(verbs).keys()].join(' ')}' ;;
${seconds
  .filter(([word]) => !isVerb(word))
  .map(([word, second]) => `    ${word}) _mcpctl_offer '${second.join(' ')}' ;;`)
  .join('\n')}
${verbs.map((verb) => verbCase(verb, families(verbs).get(verb.path) ?? [])).join('\n')}
  esac
}
`
}

/** `config claude`; beside a verb of one word, as `test` is, any other word is that verb's own. */
const secondWord = ([word, second]: readonly [string, readonly string[]]): string =>
  `      ${word}) case "$count $word" in ${second.map((each) => `'0 ${each}'`).join('|')}) verb="${word} $word" ;; *) count=$(( count + 1 )); [[ $count == 1 ]] && first=$word ;; esac ;;`

/** The word after such a flag is its value, and none of the verb's own. */
const valueFlags = ({ path, flags }: VerbOutline): readonly string[] => {
  const words = flags
    .filter(({ takesValue }) => takesValue)
    .flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])])
  return words.length === 0
    ? []
    : [`      ${words.map((word) => `'${path} ${word}'`).join('|')}) i=$(( i + 1 )); continue ;;`]
}

const verbCase = ({ path, flags, words }: VerbOutline, seconds: readonly string[]): string => {
  const values = flags.filter(({ takesValue }) => takesValue).map(flagCase)
  const all = flags.flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])])
  return `    '${path}')
      case $prev in
${values.join('\n')}
      esac
      case $cur in -*) _mcpctl_offer '${all.join(' ')}'; return ;; esac
${words.length === 0 ? '' : `      case $count in\n${words.map(wordCase).join('\n')}\n      esac\n`}${seconds.length === 0 ? '' : `      [[ $count == 0 ]] && COMPREPLY+=( $(compgen -W '${seconds.join(' ')}' -- "$cur") )\n`}      ;;`
}

const flagCase = ({ name, short, offers, complete }: FlagOutline): string => {
  const pattern = short === undefined ? `--${name}` : `--${name}|-${short}`
  const action =
    offers.length > 0
      ? `_mcpctl_offer '${offers.join(' ')}'`
      : complete === 'file'
        ? 'COMPREPLY=( $(compgen -f -- "$cur") )'
        : typeof complete === 'object' && 'kind' in complete
          ? `_mcpctl_names ${complete.kind}`
          : ':'
  return `        ${pattern}) ${action}; return ;;`
}

const wordCase = ({ choices, complete, many }: Argument, place: number): string => {
  const action =
    choices !== undefined
      ? `_mcpctl_offer '${choices.join(' ')}'`
      : complete === 'kind'
        ? '_mcpctl_offer "$_mcpctl_kinds"'
        : complete === 'target' || complete === 'name'
          ? '_mcpctl_target "$first"'
          : complete === 'tool'
            ? '_mcpctl_offer "$(mcpctl __complete tools "$first" 2>/dev/null)"'
            : typeof complete === 'object'
              ? `_mcpctl_names ${complete.kind}`
              : ':'
  return `        ${many === true ? '*' : place}) ${action} ;;`
}
