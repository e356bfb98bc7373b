/** What stands behind the account of a change that was only tried: '' where it was made. */
export const dryRunMark = (dryRun: string | undefined): string =>
  dryRun === undefined ? '' : dryRun === 'server' ? ' (server dry run)' : ' (dry run)'
