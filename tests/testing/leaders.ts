import { allProcesses, workingFolder } from '../../adapters/process/process-table.ts'

/** The instances whose programs run, each as often as it does. @param folder `work` in mcpd's data folder */
export const leadersIn = (folder: string): readonly string[] =>
  allProcesses()
    .filter(({ pid, group, zombie }) => pid === group && !zombie)
    .flatMap(({ pid }) => {
      const where = workingFolder(pid)
      return where?.startsWith(`${folder}/`) === true ? [where.slice(folder.length + 1)] : []
    })
