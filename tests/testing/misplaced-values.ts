import { expect } from 'vitest'
import { secretOf } from './canary-values.ts'
import type { Ask } from './daemon.ts'

/** Sends a value in every place that is not for it. All of these are refused. */
export const misplace = async (ask: Ask, name: string, value: string): Promise<void> => {
  const json = JSON.stringify(value)
  const secrets = '/api/v1/secrets'
  const refused = [
    await ask('POST', secrets, { raw: `{"metadata":{"name":"a"},"spec":{"data":{"K":${json}}` }),
    await ask('POST', secrets, { raw: `{"metadata":{"name":"a"},"spec":{"data":{"K":${value}}}}` }),
    await ask('POST', secrets, { raw: value }),
    await ask('POST', secrets, { raw: json }),
    await ask('POST', secrets, { body: { metadata: { name: 'a' }, spec: { dat: { K: value } } } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a' }, spec: { data: { K: { value } } } } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a' }, spec: { data: { K: [value] } } } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a' }, spec: { data: value } } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a' }, spec: value } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a', token: value }, spec: { data: { K: value } } } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a', labels: { l: `${value} ` } }, spec: { data: {} } } }),
    await ask('POST', secrets, { body: { metadata: { name: value }, spec: { data: { K: 'x' } } } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a' }, spec: { data: { [`${value} `]: value } } } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a' }, spec: { [value]: value } } }),
    await ask('POST', secrets, { body: { metadata: { name: 'a' }, spec: { backend: value, data: {} } } }),
    await ask('POST', secrets, { body: secretOf('a', { K: value.repeat(Math.ceil(140_000 / value.length)) }) }),
    await ask('POST', secrets, { body: secretOf('a', { OK: value, K: null }) }),
    await ask('POST', '/api/v1/secret', { body: secretOf('a', { K: value }) }),
    await ask('POST', '/api/v1/projects', { body: secretOf('a', { K: value }) }),
    await ask('PUT', `${secrets}/${name}/values`, { body: { K: value } }),
    await ask('PATCH', `${secrets}/${name}`, { body: secretOf(name, { K: value }) }),
    await ask('PUT', `${secrets}/b`, { body: secretOf('a', { K: value }) }),
    await ask('GET', `${secrets}/${encodeURIComponent(value)}`),
    await ask('GET', `/api/v1/${encodeURIComponent(value)}`),
    await ask('GET', `${secrets}?limit=${encodeURIComponent(value)}`),
    await ask('GET', `${secrets}?${encodeURIComponent(value)}=1`),
    await ask('GET', `${secrets}?cursor=${encodeURIComponent(value)}`),
    await ask('GET', `${secrets}?labelSelector=${encodeURIComponent(`${value}==!`)}`),
  ]
  if (/^[\x20-\x7e]*$/.test(value) && value.length < 8_000) {
    const body = secretOf('a', { K: value })
    refused.push(
      await ask('POST', secrets, { body, headers: { authorization: `Bearer ${value}` } }),
      await ask('POST', secrets, { body, headers: { 'idempotency-key': `${value} ${'x'.repeat(130)}` } }),
      await ask('POST', secrets, { body, headers: { 'if-match': value } }),
      await ask('POST', secrets, { body, headers: { 'if-none-match': value } }),
      await ask('POST', secrets, { body, headers: { 'content-type': value } }),
      await ask('POST', `${secrets}?dryRun=${encodeURIComponent(value)}`, { body }),
    )
    await ask('GET', secrets, {
      headers: { 'user-agent': value, cookie: `s=${value}`, 'x-token': value, traceparent: value },
    })
  }
  for (const { status } of refused) expect([400, 401, 404, 405, 413, 414, 415, 422]).toContain(status)
}
