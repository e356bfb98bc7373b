import { expect, it } from 'vitest'
import { findLeaks } from './leaks.ts'

/** Enough that what each leaves shows; "npm run test:leaks" lets a thousand come. */
const CLIENTS = 100

it('clients that come, call and go leave nothing behind, by whatever transport, and whether they say goodbye or not', async () => {
  const notes: string[] = []
  const left = await findLeaks({ clients: CLIENTS, stdioClients: 5, note: (text) => notes.push(text) })
  console.log(notes.join('\n'))
  expect(left).toEqual({
    'Streamable HTTP': [],
    'Streamable HTTP without DELETE': [],
    'HTTP+SSE': [],
    STDIO: [],
  })
}, 400_000)
