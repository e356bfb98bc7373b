import { coded } from '../kernel/errors.ts'

/** 410: there is no data key for this secret. `what` is the secret, or its uid where no name is known. */
export const secretKeyDestroyed = coded(
  'secret-key-destroyed',
  410,
  'The data key of this secret is gone, and its values with it',
  (what: string) => ({
    message: `the data key of ${what} does not exist: its values cannot be read`,
    hint: 'A deleted secret stays unreadable. If it was not deleted, restore the keys of the data folder, or delete it and create it again',
  }),
)

/** 500: what is stored does not open under the right key: it was altered, or belongs somewhere else. Names no value. */
export const secretUnreadable = coded(
  'secret-unreadable',
  500,
  'What is stored of this secret was altered or is damaged',
  (what: string, keyName?: string) => ({
    message: `${keyName === undefined ? `the data key of ${what}` : `key ${keyName} of ${what}`} does not open: it was altered or is damaged`,
    hint: `${keyName === undefined ? 'Delete the secret and create it again' : 'Set the value again'}; if nothing else explains it, find out who wrote to the log or the data folder`,
  }),
)

/** 503: the data keys are wrapped under another master key. */
export const wrongMasterKey = coded(
  'wrong-master-key',
  503,
  'The data keys of the secrets are wrapped under another master key',
  (expected: string, actual: string, where: string) => ({
    message: `the secrets need the master key ${expected}, but the one in ${where} is ${actual}`,
    hint: `Put the key ${expected} back, or, if it was replaced on purpose, give it as MCPCTL_MASTER_KEY_PREVIOUS beside the new one and start again`,
    expected,
    actual,
    where,
  }),
)

/** 503: there are data keys but no master key: making a new one would only hide the loss. */
export const masterKeyMissing = coded(
  'master-key-missing',
  503,
  'There are secrets, but the master key that opens them is not where it should be',
  (expected: string, where: string) => ({
    message: `the master key ${expected}, which the secrets need, is missing: looked for ${where}`,
    hint: 'Put it back from where you keep it, or set MCPCTL_MASTER_KEY or MCPCTL_MASTER_KEY_FILE. Without it the values are lost: move the folder "keys" out of the data folder, start, and write every secret anew',
    expected,
    where,
  }),
)

/** 503: what should be a master key is none. Shows nothing of it. */
export const masterKeyInvalid = coded(
  'master-key-invalid',
  503,
  'What is given as the master key cannot be read as one',
  (where: string, reason: string) => ({
    message: `no master key can be read from ${where}: ${reason}`,
    hint: 'It is 32 random bytes in base64 or hex, for example from "openssl rand -base64 32"',
    where,
  }),
)

/** 503: others on this machine could have read the master key. */
export const masterKeyExposed = coded(
  'master-key-exposed',
  503,
  'The file of the master key can be read by other users of the machine',
  (path: string, mode: number) => ({
    message: `${path} has mode ${mode.toString(8).padStart(4, '0')}: other users can read or change the master key`,
    hint: `chmod 600 ${path}; if others may have read it, run "mcpctl rotate master-key" after that`,
    path,
  }),
)

/** 409: the master key comes from outside, so only its owner can change it. */
export const masterKeyGiven = coded(
  'master-key-given',
  409,
  'The master key comes from the environment and is not ours to change',
  (where: string, variable: string) => ({
    message: `the master key comes from ${where}: mcpd cannot replace it there`,
    hint: `Set ${variable} to the new key and MCPCTL_MASTER_KEY_PREVIOUS to the old one (MCPCTL_MASTER_KEY_PREVIOUS_FILE for a file) and restart mcpd: it wraps all data keys anew at its start. Then take the old one away`,
    where,
  }),
)

/** 503: the keys cannot be read or written just now. */
export const keyringUnavailable = coded(
  'keyring-unavailable',
  503,
  'The data keys of the secrets cannot be read or written',
  (path: string, reason: string) => ({
    message: `the keys of the secrets cannot be used: ${path}: ${reason}`,
    hint: 'See that the data folder is there, belongs to the user of mcpd, and has room',
    retryAfter: 5,
  }),
)
