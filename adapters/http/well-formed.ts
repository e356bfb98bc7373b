import type { FieldError } from '../../domain/kernel/errors.ts'
import type { JsonValue } from '../../domain/kernel/json.ts'
import { validationFailed } from './problem.ts'

/**
 * Refuses texts that no program can be given and no hash be made of: half a surrogate pair, which JSON can write but
 * UTF-8 cannot. @throws ValidationFailed with the paths
 */
export const assertWellFormed = (value: JsonValue, path: string): void => {
  const fields = [...malformed(value, path)]
  if (fields.length > 0) throw validationFailed(fields)
}

function* malformed(value: JsonValue | undefined, path: string): Generator<FieldError> {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) yield { path, message: 'is not well-formed Unicode (half a surrogate pair)' }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      if (!key.isWellFormed()) yield { path, message: 'has a key that is not well-formed Unicode' }
      yield* malformed(member, `${path}.${key}`)
    }
  }
}
