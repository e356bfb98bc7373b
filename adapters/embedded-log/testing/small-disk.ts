import { execFile } from 'node:child_process'
import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished, vi } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

const run = promisify(execFile)

const BYTES = 128 * 1024 * 1024
/** The ioctl that stops a file system where it is (EXT4_IOC_SHUTDOWN), and its flag for writing nothing of what it still has in memory. */
const SHUTDOWN = 'open(my $at, "<", $ARGV[0]) or die $!; my $how = pack("L", 2); ioctl($at, 0x8004587d, $how) or die $!'

/** A file system of its own, in a file. */
export interface SmallDisk {
  /** Where it is mounted. */
  readonly path: string
  /** As if the power failed: what was not flushed is gone. Nothing can be read or written until `mount`. */
  fail(): Promise<void>
  /** Mounts it again, as after the machine started again. Whoever used it must have ended. */
  remount(): Promise<void>
}

/**
 * Makes an ext4 and mounts it for the test that is running.
 * @throws where that cannot be done: no right to mount, no loop devices, no mkfs.ext4, no perl
 */
export const makeSmallDisk = async (bytes = BYTES): Promise<SmallDisk> => {
  const folder = await temporaryFolder()
  const [image, path] = [join(folder, 'image'), join(folder, 'disk')]
  await writeFile(image, '')
  await truncate(image, bytes)
  await mkdir(path)
  await run('mkfs.ext4', ['-q', '-F', image])
  const mount = () => run('mount', ['-o', 'loop', image, path])
  await mount()
  onTestFinished(async () => {
    await run('umount', ['--lazy', path])
  })
  return {
    path,
    async fail() {
      await run('perl', ['-e', SHUTDOWN, path])
    },
    async remount() {
      // A process that was killed lets go of its files a moment later.
      await vi.waitFor(() => run('umount', [path]), { timeout: 10_000, interval: 50 })
      await mount()
    },
  }
}
