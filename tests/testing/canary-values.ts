import { randomBytes } from 'node:crypto'

export interface Canary {
  readonly name: string
  readonly value: string
  /** Random all over: not even a part of it may be found. */
  readonly random: boolean
}

/** Values people do keep in secrets, most of them easy to get wrong somewhere: quotes, percent signs, lines, other scripts. */
const ODD: readonly string[] = [
  'correct horse battery staple',
  'Hunter2 hunter2',
  'p@ss:w0rd/with?url&chars=1#x',
  'say "friend" and \\enter\\',
  "it's 'single' quoted",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is not one
  '100%25 %s %d %j %o {} ${HOME} $(id) `id`',
  '<script>alert("canary")</script>',
  'two\nlines, and a third\nline of this value',
  'ends in a line break\r\nlike files do\r\n',
  '  blanks around it  ',
  '\ttabs\tin\tit\t',
  'пароль-с-ключом-🔑-и-秘密の値',
  'zero\u200bwidth\u202eturned\ufeffmark',
  '{"type":"service_account","private_key":"-----BEGIN-----\\nabc\\n"}',
  'key: value\n- yaml: [list, "of"]\n  &anchor *alias !!str tagged\n',
  'postgres://user:canary-password@db.example:5432/app?sslmode=require',
  'bell\u0007escape\u001b[31mred\u001b[0m backspace\u0008',
  'null-but-not-null undefined NaN __proto__',
  `-----BEGIN PRIVATE KEY-----\n${Array.from({ length: 6 }, () => randomBytes(48).toString('base64')).join('\n')}\n-----END PRIVATE KEY-----\n`,
  'x-long-'.repeat(2_000),
]

/** A hundred values, most of them random. */
export const canaryValues = (count = 100): readonly Canary[] => [
  ...ODD.map((value, i) => ({ name: `odd-${i}`, value, random: false })),
  ...Array.from({ length: count - ODD.length }, (_, i) => ({
    name: `random-${i}`,
    // As tokens are: letters of both cases, so that none of them can be a resource's name.
    value: `Ck_${randomBytes(24).toString(i % 2 === 0 ? 'base64url' : 'hex')}Q`,
    random: true,
  })),
]

/** The key of a canary in the secret that holds it. */
export const keyOf = (name: string): string => name.replaceAll('-', '_')

/** A secret as it is declared. */
export const secretOf = (name: string, data: object) => ({ metadata: { name }, spec: { data } })

/** The secret that holds a canary: ten of them are keys of one. */
export const secretNameOf = (name: string): string => {
  const index = Number(/^random-(\d+)$/.exec(name)?.[1] ?? -1) + 20
  return index >= 30 && index < 40 ? 'from-files' : name
}
