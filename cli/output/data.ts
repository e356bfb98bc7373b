import type { Output } from './output.ts'

/** Prints a value as `-o json` or `-o yaml` has it. */
export const printData = async (out: Output, format: string, value: unknown): Promise<void> => {
  const { toJson, toYaml } = await import('./yaml.ts')
  out.data((format === 'json' ? toJson : toYaml)(value))
}
