import type { ResourceRow } from '../domain/kernel/resource.ts'
import { type ListOptions, MAX_LIMIT, type Queries } from './queries.ts'

/** Every row that fits, read page by page: what changes meanwhile may be there as it was before or after. */
export const allRows = async (
  queries: Pick<Queries, 'list'>,
  options: Omit<ListOptions, 'limit' | 'cursor'>,
): Promise<readonly ResourceRow[]> => {
  const rows: ResourceRow[] = []
  let cursor: string | undefined
  do {
    const page = await queries.list({ ...options, limit: MAX_LIMIT, ...(cursor === undefined ? {} : { cursor }) })
    rows.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return rows
}
