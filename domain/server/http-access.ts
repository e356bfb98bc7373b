import { z } from 'zod'
import { secretSource } from './secret-source.ts'

/** A header's name as HTTP has it. Those that the transport sets itself cannot be given. */
const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/, 'must be the name of an HTTP header')
  .refine((name) => !TRANSPORT_HEADERS.has(name.toLowerCase()), 'is set by the transport itself')
const TRANSPORT_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'host',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'te',
  'transfer-encoding',
  'upgrade',
])
const noLineBreak = (text: string): boolean => !/[\0\r\n]/.test(text)

/** One header that is sent with every request: a literal value, or one key of a secret. */
export const header = z
  .strictObject({
    name: headerName,
    value: z.string().max(8192).refine(noLineBreak, 'must be one line').optional(),
    valueFrom: secretSource.optional(),
  })
  .refine((each) => (each.value === undefined) !== (each.valueFrom === undefined), 'needs either value or valueFrom')

export const externalUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(2048)
  .refine((text) => !URL.canParse(text) || new URL(text).username + new URL(text).password === '', {
    error: 'must not hold a password: put it into a secret, and a header that names it',
  })
