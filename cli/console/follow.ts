import type { Deps } from '../deps.ts'
import { projectEndpoint } from '../mcp-client/endpoint.ts'
import { neutralJson, neutralLine } from '../output/neutral.ts'
import { followFeed } from './feed-client.ts'
import { type Entry, parseFilter } from './filter.ts'
import { clock, duration, place, size, summary } from './message-text.ts'

export interface FollowOptions {
  readonly project: string
  readonly filter: string | undefined
  /** One JSON document a line, as the feed has them, in place of text. */
  readonly json: boolean
}

/** Prints a project's messages, one a line, until Ctrl-C. What is said about the connection goes to standard error. */
export const follow = async (deps: Deps, { project, filter, json }: FollowOptions): Promise<void> => {
  const { token = '' } = projectEndpoint(deps, project)
  const wanted = parseFilter(filter ?? '')
  const { mcplocal } = deps.config
  let isAway = false
  for await (const update of followFeed({ mcplocal, project, token, signal: deps.signal })) {
    if (update.event === 'message') {
      const entry: Entry = { record: update.data, raw: update.raw }
      if (wanted(entry)) deps.out.line(json ? neutralJson(update.raw) : messageLine(entry))
    } else if (update.event === 'away') {
      if (!isAway) deps.out.note(`${update.reason}; waiting for it`)
      isAway = true
    } else if (update.event === 'hello') {
      if (isAway) deps.out.note('connected again')
      isAway = false
    } else if (update.event === 'lost')
      deps.out.note(`${update.data.count} messages were left out: reading is too slow`)
    else if (update.event === 'link' && update.data.state === 'lost')
      deps.out.note(`mcplocal has lost mcpd: ${neutralLine(update.data.reason ?? '')}`)
  }
}

/** `12:00:01.123 3fa9c2d1 client → tools/call a__read  212 B`. */
const messageLine = (entry: Entry): string => {
  const { at, session, ms, bytes } = entry.record
  const { where, arrow } = place(entry)
  const took = ms === undefined ? '' : `  ${duration(ms)}`
  return `${clock(at)} ${session} ${where} ${arrow} ${summary(entry)}${took}  ${size(bytes)}`
}
