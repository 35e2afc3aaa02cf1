import { afterEach, describe, expect, it } from 'vitest'
import {
  call,
  forward,
  legacy,
  modern,
  overProcess,
  RAW_SERVER,
  refusal,
  SDK_SERVER,
  single,
  structured,
  type TestUpstream,
} from '../../../../test/fixtures/stdio-upstream.ts'

const upstreams: TestUpstream[] = []

function start(...args: Parameters<typeof overProcess>): TestUpstream {
  const upstream = overProcess(...args)
  upstreams.push(upstream)
  return upstream
}

afterEach(async () => {
  await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()))
})

describe('requests of a modern caller', () => {
  it('reaches the tool', async () => {
    const upstream = start([SDK_SERVER])
    const message = single(await forward(upstream, call('modern', 'a', 'echo', { x: 1 })))
    expect(message.body['id']).toBe('a')
    expect(structured(message)['arguments']).toEqual({ x: 1 })
    expect(upstream.log).toEqual([])
  })
})
