/** A job as an edge sends it to a log shard. */
import type { GenerationJob } from '../../workers/objects/log-shard-rpc.ts'

export function aGenerationJob(prompt: string, changes: Partial<GenerationJob> = {}): GenerationJob {
  return {
    run: 'run 0',
    fingerprint: `fingerprint of ${prompt}`,
    wrappedKey: 'no key of ours',
    home: { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: false },
    tenant: 'demo',
    keyId: 'k1',
    modelVersion: '1',
    generation: {
      surface: 'chat',
      model: 'story',
      stream: true,
      includeUsage: false,
      body: { messages: [{ role: 'user', content: prompt }], temperature: 0 },
      hints: {},
    },
    bodyBytes: 100,
    cacheSalt: 'salt',
    residency: { arrival: { host: 'edge.test', colo: 'FRA' } },
    allowedPools: ['eu-central', 'us-east', 'ap-southeast'],
    comesBack: 'never',
    cache: {
      read: true,
      onlyIfCached: false,
      ttlSeconds: 3600,
      isPromotable: false,
      wantsCopy: false,
    },
    ...changes,
  }
}

/** The job with this limit, in its body as it would be. */
export function limitedTo(job: GenerationJob, tokenLimit: number): GenerationJob {
  const { generation } = job
  return {
    ...job,
    generation: { ...generation, tokenLimit, body: { ...generation.body, max_tokens: tokenLimit } },
  }
}

/** The job with its wishes for the cache changed. */
export function cachedAs(job: GenerationJob, changes: Partial<GenerationJob['cache']>): GenerationJob {
  return { ...job, cache: { ...job.cache, ...changes } }
}
