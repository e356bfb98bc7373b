import { z } from 'zod'
import type { HealthPolicy } from '../instance/health.ts'
import type { JsonObject } from '../kernel/json.ts'

/** How the copies of a server are probed: what is left out has its default. */
export const healthCheck = z
  .strictObject({
    tool: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('A tool without effects that tells whether a copy can do its work'),
    arguments: z.record(z.string().max(256), z.unknown()).default({}),
    intervalSeconds: z.int().min(1).max(86_400).default(30),
    timeoutSeconds: z.int().min(1).max(600).default(10),
    failureThreshold: z.int().min(1).max(100).default(3).describe('Failures in a row that make a copy unhealthy'),
    restartAfter: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe('Failures in a row after which a copy is ended and started again; never if left out'),
  })
  .refine((check) => check.tool !== undefined || Object.keys(check.arguments).length === 0, {
    error: 'go with tool only',
    path: ['arguments'],
  })

/** What a server's spec asks for; the defaults where it has no `healthCheck`, or is gone. */
export const healthPolicy = (spec: JsonObject | undefined): HealthPolicy => {
  const check = healthCheck.parse(spec?.healthCheck ?? {})
  const { tool, restartAfter, failureThreshold } = check
  return {
    intervalMs: check.intervalSeconds * 1000,
    timeoutMs: check.timeoutSeconds * 1000,
    failureThreshold,
    ...(restartAfter === undefined ? {} : { restartAfter }),
    ...(tool === undefined ? {} : { readiness: { tool, arguments: check.arguments as JsonObject } }),
  }
}
