import pino, { type Logger as Pino } from 'pino'

/** Fields that hold credentials or values wherever they come: never written. */
const SENSITIVE = [
  'authorization',
  'token',
  'bearer',
  'password',
  'secret',
  'secrets',
  'values',
  'env',
  'headers',
  'connectionString',
  'url.password',
]

/** The one logger of a program: JSON lines on stderr, since stdout belongs to what a program answers. */
export const createLogger = (name: string, level = process.env.LOG_LEVEL ?? 'info'): Pino =>
  pino(
    {
      name,
      level: level in pino.levels.values ? level : 'info',
      redact: { paths: [...SENSITIVE, ...SENSITIVE.map((field) => `*.${field}`)], censor: '[redacted]' },
      serializers: { err: pino.stdSerializers.err },
    },
    pino.destination({ dest: 2, sync: true }),
  )
