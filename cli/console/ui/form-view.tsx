import type { ReactNode } from 'react'
import { useState } from 'react'
import type { JsonObject } from '../../../domain/kernel/json.ts'
import { cut, pad, widthOf } from '../../output/cells.ts'
import { argumentsOf, type Field, optionsOf } from '../form.ts'
import { safeLine } from '../safe-text.ts'
import { Line, usePresses, Words } from './context.tsx'
import type { Hint } from './frame.tsx'
import type { Press } from './presses.ts'
import { useWindow } from './scrolling.ts'
import { type Edited, edit, edited, TextInput } from './text-input.tsx'

export const FORM_HINTS: readonly Hint[] = [
  ['enter', 'next, run'],
  ['↑↓', 'field'],
  ['^R', 'run'],
  ['esc', 'back'],
]

interface FormViewProps {
  readonly fields: readonly Field[]
  /** What was typed, by field. */
  readonly texts: Readonly<Record<string, Edited>>
  readonly width: number
  readonly height: number
  readonly layer: number
  readonly active: boolean
  /** What the last row says: `Call`, `Get`. */
  readonly verb: string
  onTexts(texts: Readonly<Record<string, Edited>>): void
  onSubmit(values: JsonObject): void
}

/** Asks for the arguments of a tool or prompt. */
export const FormView = (props: FormViewProps): ReactNode => {
  const { fields, texts, width, height, layer, active, verb, onTexts, onSubmit } = props
  const [wrong, setWrong] = useState<Readonly<Record<string, string>>>({})
  const [at, setAt] = useState(0)
  const last = fields.length
  const chosen = fields[at]
  const textOf = (field: Field): Edited => texts[field.name] ?? edited(field.initial)

  const submit = (): void => {
    const typed = Object.fromEntries(fields.map((field) => [field.name, textOf(field).text]))
    const result = argumentsOf(fields, typed)
    if ('values' in result) {
      onSubmit(result.values)
      return
    }
    setWrong(result.wrong)
    setAt(fields.findIndex(({ name }) => result.wrong[name] !== undefined))
  }

  const change = (field: Field, press: Press): boolean => {
    const options = optionsOf(field)
    const next = options.length > 0 ? chosenOption(options, textOf(field), press) : edit(textOf(field), press)
    if (next === undefined) return false
    onTexts({ ...texts, [field.name]: next })
    const { [field.name]: _, ...others } = wrong
    setWrong(others)
    return true
  }

  usePresses(
    layer,
    (press) => {
      if (press.key === 'ctrl-r' || (press.key === 'enter' && at === last)) submit()
      else if (press.key === 'enter' || press.key === 'down' || press.key === 'tab') setAt(Math.min(at + 1, last))
      else if (press.key === 'up' || press.key === 'backtab') setAt(Math.max(at - 1, 0))
      else if (chosen !== undefined) return change(chosen, press) || press.key === 'text'
      else return press.key === 'text'
      return true
    },
    { active, typing: true },
  )

  const about = chosen === undefined ? '' : (wrong[chosen.name] ?? chosen.description)
  const rows = Math.max(1, height - 2)
  const top = useWindow(last + 1, rows, at)
  const label = Math.min(Math.max(6, ...fields.map(({ name }) => widthOf(safeLine(name)) + 2)), Math.floor(width / 3))
  return (
    <>
      {[...fields.slice(top, top + rows).entries()].map(([i, field]) => (
        <FieldRow
          key={field.name}
          field={field}
          value={textOf(field)}
          wrong={wrong[field.name]}
          chosen={active && top + i === at}
          label={label}
          width={width}
        />
      ))}
      {top + rows > last && (
        <Line>
          <Words text={`  [ ${verb} ]`} tone={active && at === last ? 'chosen' : 'strong'} />
        </Line>
      )}
      <Line> </Line>
      <Line>
        <Words
          text={cut(about.replaceAll('\n', ' '), width)}
          tone={chosen !== undefined && wrong[chosen.name] !== undefined ? 'bad' : 'quiet'}
        />
      </Line>
    </>
  )
}

/** A choice or a switch: space and arrows go on, a letter goes to what begins with it. */
const chosenOption = (
  options: readonly string[],
  { text }: Edited,
  { key, text: typed }: Press,
): Edited | undefined => {
  const at = options.indexOf(text)
  const to = (i: number) => edited(options[(i + options.length) % options.length] ?? '')
  if (key === 'right' || typed === ' ') return to(at + 1)
  if (key === 'left') return to(at < 0 ? options.length - 1 : at - 1)
  if (key === 'backspace') return edited('')
  const named =
    key === 'text' ? options.find((option) => option.toLowerCase().startsWith(typed.toLowerCase())) : undefined
  return named === undefined ? undefined : edited(named)
}

interface FieldRowProps {
  readonly field: Field
  readonly value: Edited
  readonly wrong: string | undefined
  readonly chosen: boolean
  readonly label: number
  readonly width: number
}

const FieldRow = ({ field, value, wrong, chosen, label, width }: FieldRowProps): ReactNode => {
  const { name, required, type } = field
  const isChoice = optionsOf(field).length > 0
  const room = Math.max(8, width - label - 6)
  return (
    <Line>
      <Words text={chosen ? '› ' : '  '} tone="accent" />
      <Words
        text={pad(`${cut(safeLine(name), label - 1)}${required ? '*' : ''}`, label + 1)}
        tone={wrong === undefined ? 'accent' : 'bad'}
        bold={chosen}
      />
      {chosen && !isChoice ? (
        <TextInput value={value} width={room} />
      ) : (
        <Words text={cut(value.text, room)} tone={chosen ? 'chosen' : 'plain'} />
      )}
      {value.text === '' && (
        <Words
          text={`${chosen && !isChoice ? '' : ' '}${TYPES[type]}${isChoice ? choicesText(field) : ''}`}
          tone="quiet"
        />
      )}
      {value.text !== '' && chosen && isChoice && <Words text={`  ‹ space ›${choicesText(field)}`} tone="quiet" />}
    </Line>
  )
}

const TYPES: Readonly<Record<Field['type'], string>> = {
  text: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: '',
  choice: '',
  json: 'JSON',
}

const choicesText = (field: Field): string =>
  ` ${optionsOf(field)
    .filter((option) => option !== '')
    .join(' | ')}`
