import { Box, Text, useStdout } from 'ink'
import {
  createContext,
  Fragment,
  type ReactNode,
  useContext,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { safeLine } from '../safe-text.ts'
import { type PressHandler, PressRouter } from './presses.ts'

/** What a piece of text means; colours follow from it. */
export type Tone = 'plain' | 'quiet' | 'strong' | 'good' | 'bad' | 'warn' | 'accent' | 'name' | 'chosen'

type Look = { readonly color?: string; readonly bold?: true; readonly dimColor?: true; readonly inverse?: true }

/** Of the terminal's own palette, those that can be read on dark and on light. */
const LOOKS: Readonly<Record<Tone, Look>> = {
  plain: {},
  quiet: { dimColor: true },
  strong: { bold: true },
  good: { color: 'green' },
  bad: { color: 'red' },
  warn: { color: 'yellow' },
  accent: { color: 'cyan' },
  name: { color: 'blue' },
  chosen: { inverse: true },
}

export interface Surroundings {
  /** Whether colours may be shown: `NO_COLOR`. */
  readonly coloured: boolean
  readonly router: PressRouter
}

const context = createContext<Surroundings>({ coloured: false, router: new PressRouter() })

export const SurroundingsProvider = context.Provider

/** Some words of a line. The only way that text gets onto the screen: whatever it holds, it is made safe here. */
export const Words = ({ text, tone = 'plain', bold }: { text: string; tone?: Tone; bold?: boolean }): ReactNode => {
  const { color, ...look } = LOOKS[tone]
  const { coloured } = useContext(context)
  const strong = bold === true || (!coloured && tone === 'bad')
  return (
    <Text {...look} {...(coloured && color !== undefined ? { color } : {})} {...(strong ? { bold: true } : {})}>
      {safeLine(text)}
    </Text>
  )
}

/** One line of the screen, cut at its end; also an empty one takes its row. */
export const Line = ({ children }: { children?: ReactNode }): ReactNode => (
  <Box height={1} flexShrink={0}>
    <Text wrap="truncate">{children}</Text>
  </Box>
)

/** What there is of each, one below the other: a row of the screen is nothing but its place. */
export const Rows = <Item,>({ of, row }: { of: readonly Item[]; row(item: Item, at: number): ReactNode }): ReactNode =>
  // biome-ignore lint/suspicious/noArrayIndexKey: see above
  of.map((item, at) => <Fragment key={at}>{row(item, at)}</Fragment>)

/** Lines of text in one tone. */
export const TextLines = ({ of, tone = 'plain' }: { of: readonly string[]; tone?: Tone }): ReactNode => (
  <Rows
    of={of}
    row={(line) => (
      <Line>
        <Words text={line} tone={tone} />
      </Line>
    )}
  />
)

/**
 * Hears of keys while the component is shown; a higher layer first.
 * @param typing takes text as it comes, in place of characters one by one
 */
export const usePresses = (layer: number, handle: PressHandler, { active = true, typing = false } = {}): void => {
  const { router } = useContext(context)
  const latest = useRef(handle)
  latest.current = handle
  // Before the next key: a passive effect would come too late for one that follows at once.
  useLayoutEffect(
    () => (active ? router.add({ layer, typing, handle: (press) => latest.current(press) }) : undefined),
    [router, layer, typing, active],
  )
}

/** Columns and rows that can be drawn on. The last row stays free: a screen filled to it is drawn anew each time, which flickers. */
export const useSize = (): { readonly columns: number; readonly rows: number } => {
  const { stdout } = useStdout()
  const [size, setSize] = useState(() => sizeOf(stdout))
  useEffect(() => {
    const resized = () => setSize(sizeOf(stdout))
    stdout.on('resize', resized)
    return () => void stdout.off('resize', resized)
  }, [stdout])
  return size
}

const sizeOf = ({ columns, rows }: NodeJS.WriteStream) => ({ columns: columns || 80, rows: (rows || 24) - 1 })
