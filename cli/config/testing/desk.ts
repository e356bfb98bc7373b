import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TOKEN } from '../../testing/fake-mcpd.ts'
import { type Ran, type Surroundings, World } from '../../testing/world.ts'

/** Somebody's machine: a home with clients' files, a project's folder, mcpctl on PATH, logged in at a pretended mcpd. */
export class Desk {
  readonly world = new World()

  get home(): string {
    return join(this.world.folder, 'me')
  }

  /** The folder that mcpctl runs in. */
  get folder(): string {
    return this.world.folder
  }

  get env(): Record<string, string | undefined> {
    return {
      HOME: this.home,
      PATH: join(this.home, 'bin'),
      MCPCTL_HOME: undefined,
      MCPCTL_SERVER: undefined,
      MCPCTL_TOKEN: undefined,
    }
  }

  async start(): Promise<void> {
    await this.world.start()
    await this.write(join(this.home, 'bin/mcpctl'), '#!/bin/sh\n')
    await chmod(join(this.home, 'bin/mcpctl'), 0o755)
    await this.write(
      join(this.home, '.mcpctl/config.json'),
      JSON.stringify({ server: this.world.mcpd.url, token: TOKEN }),
    )
    await this.world.given('projects: [{ name: demo, servers: [] }]')
  }

  async stop(): Promise<void> {
    await this.world.stop()
  }

  async write(path: string, text: string): Promise<string> {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    return path
  }

  read(path: string): Promise<string> {
    return readFile(path, 'utf8')
  }

  config(line: string, around: Surroundings = {}): Promise<Ran> {
    return this.world.run(['config', ...line.split(' ')], { ...around, env: { ...this.env, ...around.env } })
  }
}
