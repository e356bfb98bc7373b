import { coded } from '../../domain/kernel/errors.ts'

/** 503: mcpd does not answer, or not in time. */
export const mcpdUnavailable = coded(
  'mcpd-unavailable',
  503,
  'mcpd cannot be reached, or does not answer in time',
  (reason: string) => ({
    message: `mcpd is not available: ${reason}`,
    hint: 'Is mcpd running? `mcpctl status` shows it.',
    retryAfter: 2,
  }),
)
