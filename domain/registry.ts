import { instance } from './instance/resource.ts'
import type { KindDefinition } from './kernel/kind.ts'
import { project } from './project/resource.ts'
import { secret } from './secret/resource.ts'
import { secretbackend } from './secretbackend/resource.ts'
import { server } from './server/resource.ts'
import { template } from './template/resource.ts'

/** Every kind there is. A new one is a folder beside these and a line here. */
export const kinds: readonly KindDefinition[] = [secretbackend, secret, template, server, instance, project]
