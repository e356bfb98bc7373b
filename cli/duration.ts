import { usageError } from './errors.ts'

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }

/** `30s`, `10m`, `1h30m`, `2d`, or plain seconds; answers seconds. @throws CliError `usage` */
export const durationSeconds = (flag: string, text: string): number => {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw usageError(`${flag} cannot be "${text}"`, 'Examples: 30s, 10m, 1h30m, 2d')
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? 's'] ?? 1), 0)
}
