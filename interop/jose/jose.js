// Answers jobs with npm's jose: one JSON object a line in, one a line out. An error is named by its
// code alone, for its text may quote a key.
import { createInterface } from 'node:readline'
import { randomBytes } from 'node:crypto'
import * as jose from 'jose'

const symmetric = (alg) => alg.startsWith('HS')

const jobs = {
  // read verifies a token with a key set, or with the one at url, and returns its claims.
  async read({ set, url, alg, token, issuer, audience, now }) {
    let key
    if (url) key = jose.createRemoteJWKSet(new URL(url))
    else if (symmetric(alg)) key = await jose.importJWK(set.keys[0], alg)
    else key = jose.createLocalJWKSet(set)
    const options = { algorithms: [alg], issuer, audience, typ: 'at+jwt', currentDate: new Date(now * 1000), clockTolerance: 5 }
    return (await jose.jwtVerify(token, key, options)).payload
  },

  // issue makes a key and a token, and returns the token and the set that verifies it.
  async issue({ alg, payload }) {
    let key, jwk
    if (symmetric(alg)) {
      key = new Uint8Array(randomBytes(64))
      jwk = await jose.exportJWK(key)
    } else {
      const pair = await jose.generateKeyPair(alg, { extractable: true })
      key = pair.privateKey
      jwk = await jose.exportJWK(pair.publicKey)
    }
    const kid = await jose.calculateJwkThumbprint(jwk)
    const token = await new jose.SignJWT(payload).setProtectedHeader({ alg, kid, typ: 'at+jwt' }).sign(key)
    return { token, set: { keys: [{ ...jwk, kid, alg, use: 'sig' }] } }
  },

  async thumbprint({ jwk }) {
    return jose.calculateJwkThumbprint(jwk)
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const { job, ...args } = JSON.parse(line)
    answer = { ok: await jobs[job](args) }
  } catch (e) {
    answer = { error: e instanceof jose.errors.JOSEError ? e.code : e.name }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
