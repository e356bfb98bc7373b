import { startFailed } from '../../domain/instance/runtime.ts'
import type { CodedError } from '../../domain/kernel/errors.ts'
import type { NpmFailure } from './npm.ts'

const isMember = (codes: string) => (code: string) => codes.split(' ').includes(code)
const isNetwork = isMember(
  'ENOTFOUND EAI_AGAIN ECONNREFUSED ECONNRESET ECONNABORTED ETIMEDOUT ERR_SOCKET_TIMEOUT ENETUNREACH EHOSTUNREACH ENOTCACHED',
)
const isFullDisk = isMember('ENOSPC EDQUOT')
const isForbidden = isMember('E401 E403 EACCES EPERM EROFS')

/** A failed installation as a reason for people. `shown` is the package as it was asked for, `name@version`. */
export const installFailed = (shown: string, name: string, { code, output }: NpmFailure): CodedError => {
  // npm answers E404 for a dependency, too: only the package itself is surely a typing error.
  const missing = /['"](\S+?)@/.exec(output)?.[1]
  if (code === 'E404' && (missing === undefined || missing === name))
    return startFailed(
      `The package ${name} does not exist in the npm registry, or it may not be read without logging in.`,
      'Check the spelling of `packageName`. A private package needs a token in the .npmrc of the user that runs mcpd.',
    )
  if (code === 'ETARGET')
    return startFailed(
      `The package ${shown} was not found: the registry has no version that fits.`,
      `See which there are: npm view ${name} versions`,
    )
  if (isNetwork(code))
    return startFailed(
      `The package ${shown} could not be installed: the npm registry cannot be reached (${code}).`,
      'Check the network and the proxy settings. What is installed already needs no network; the start is tried again.',
    )
  if (isFullDisk(code))
    return startFailed(
      `The package ${shown} could not be installed: the disk is full.`,
      'Free some space on the disk of the data folder; the start is tried again.',
    )
  if (isForbidden(code))
    return startFailed(
      `The package ${shown} could not be installed: npm was refused access (${code}).\n${output}`,
      'For a registry, log in with npm as the user that runs mcpd; for a folder, check its owner and rights.',
    )
  return startFailed(
    `The package ${shown} could not be installed${code === '' ? '' : ` (${code})`}. The last lines of npm:\n${output}`,
    'The same happens with `npm install` by hand; mend it there first.',
  )
}
