import { describe, expect, test } from 'vitest'
import { DENIED_FIELDS } from '../../../shared/schema/denied-fields.ts'
import { CHAT_FIELDS, COMPLETIONS_FIELDS, GATEWAY_ONLY_FIELDS } from '../../../shared/schema/fields.ts'

describe('DENIED_FIELDS', () => {
  test.each([
    'cache_salt',
    'extra_key',
    'kv_transfer_params',
    'bootstrap_host',
    'prompt_embeds',
    'input_ids',
    'logits_processors',
    'custom_logit_processor',
    'request_id',
    'rid',
    'session_id',
    'priority',
    'routed_dp_rank',
    'id_slot',
    'cache_prompt',
    'n_cache_reuse',
    'lora',
    'chat_template',
    'chat_template_kwargs',
    'add_generation_prompt',
    'continue_final_message',
    'mm_processor_kwargs',
    'echo',
    'nvext',
  ])('holds %s', (field) => {
    expect(DENIED_FIELDS.has(field)).toBe(true)
  })

  test('holds no field that every client may send', () => {
    const open = [...CHAT_FIELDS, ...COMPLETIONS_FIELDS, ...GATEWAY_ONLY_FIELDS]
    expect(open.filter((field) => DENIED_FIELDS.has(field))).toEqual([])
  })
})
