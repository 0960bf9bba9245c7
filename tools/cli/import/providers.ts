/** Which dialect a provider speaks, and where it is, for the providers that the mesh can call as they are. */
import type { Dialect } from '../../../shared/schema/mesh.ts'

export interface Provider {
  readonly dialect: Dialect
  /** Its public API; without it, the source has to say where it is. */
  readonly url?: string
  /** Whether its own keys are known under an environment variable of this name. */
  readonly keyVariable?: string
}

/** Base URLs as their providers document them for OpenAI's SDK. */
const OPENAI: Provider = {
  dialect: 'openai',
  url: 'https://api.openai.com/v1',
  keyVariable: 'OPENAI_API_KEY',
}
const ANTHROPIC: Provider = {
  dialect: 'anthropic',
  url: 'https://api.anthropic.com/v1',
  keyVariable: 'ANTHROPIC_API_KEY',
}
const AZURE: Provider = { dialect: 'azure', keyVariable: 'AZURE_API_KEY' }

const COMPATIBLE: Readonly<Record<string, string>> = {
  cerebras: 'https://api.cerebras.ai/v1',
  deepinfra: 'https://api.deepinfra.com/v1/openai',
  deepseek: 'https://api.deepseek.com/v1',
  fireworks_ai: 'https://api.fireworks.ai/inference/v1',
  groq: 'https://api.groq.com/openai/v1',
  mistral: 'https://api.mistral.ai/v1',
  openrouter: 'https://openrouter.ai/api/v1',
  sambanova: 'https://api.sambanova.ai/v1',
  together_ai: 'https://api.together.xyz/v1',
  xai: 'https://api.x.ai/v1',
}

/** By the names that LiteLLM puts before a model; `xinference` and the like speak OpenAI's API where they stand. */
const PROVIDERS: ReadonlyMap<string, Provider> = new Map([
  ['openai', OPENAI],
  ['text-completion-openai', OPENAI],
  ['anthropic', ANTHROPIC],
  ['azure', AZURE],
  ['hosted_vllm', { dialect: 'vllm' }],
  ['ollama', { dialect: 'ollama' }],
  ['ollama_chat', { dialect: 'ollama' }],
  ['litellm_proxy', { dialect: 'openai' }],
  ['lm_studio', { dialect: 'openai' }],
  ['xinference', { dialect: 'openai' }],
  ['llamafile', { dialect: 'openai' }],
  ['custom_openai', { dialect: 'openai' }],
  ...Object.entries(COMPATIBLE).map(([name, url]): [string, Provider] => [
    name,
    { dialect: 'openai', url, keyVariable: `${name.replace('_ai', '').toUpperCase()}_API_KEY` },
  ]),
])

/** Portkey's names, where they differ. */
const PORTKEY_NAMES: Readonly<Record<string, string>> = {
  'azure-openai': 'azure',
  'fireworks-ai': 'fireworks_ai',
  'mistral-ai': 'mistral',
  'together-ai': 'together_ai',
  'x-ai': 'xai',
}

export function providerOf(name: string): Provider | undefined {
  return PROVIDERS.get(PORTKEY_NAMES[name] ?? name)
}

/** For models without a provider before them: the two whose names say whose they are. */
export function providerOfBareModel(model: string): Provider | undefined {
  if (/^(?:gpt-|chatgpt-|o[1-9](?:-|$)|text-embedding-)/.test(model)) return OPENAI
  return model.startsWith('claude-') ? ANTHROPIC : undefined
}
