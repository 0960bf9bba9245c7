/**
 * Body fields that no operator can open to clients: each lets a client reach past the mesh into an engine's memory,
 * scheduler or prompt. Names are those of vLLM, SGLang, llama.cpp, TensorRT-LLM, Dynamo, Azure OpenAI and Anthropic, in
 * 2025 and 2026.
 */

export const DENIED_FIELDS: ReadonlySet<string> = new Set([
  // Moving KV blocks between engines: the client would name hosts, ports and other requests' memory.
  'kv_transfer_params',
  'bootstrap_host',
  'bootstrap_port',
  'bootstrap_room',
  'bootstrap_pair_key',
  'disaggregated_params',
  'ec_transfer_params',

  // Prompts given as tensors or token ids: they pass by everything that reads text, and have crashed engines.
  'prompt_embeds',
  'input_embeds',
  'input_ids',
  'prompt_token_ids',
  'prompt_token_ids_b64',
  'multi_modal_data',
  'image_data',
  'audio_data',
  'video_data',

  // Tensors out of the engine: hidden states give the prompt away to whoever can invert them.
  'return_hidden_states',

  // Code, or the name of code, that runs in the engine; and options handed on to code unchecked.
  'logits_processors',
  'custom_logit_processor',
  'custom_params',
  'mm_processor_kwargs',
  'media_io_kwargs',
  'vllm_xargs',
  'nvext',

  // Salts of the prefix cache: they keep tenants apart, so they are ours alone.
  'cache_salt',
  'extra_key',

  // Ids inside the engine, with which a client could abort, join or read another's request.
  'request_id',
  'rid',
  'session_id',
  'session_params',
  'conversation_params',

  // Scheduling: one client would pass before another, or choose the worker.
  'priority',
  'routed_dp_rank',
  'data_parallel_rank',
  'disagg_prefill_dp_rank',
  'agent_hierarchy',

  // Where a hosted model runs, what it reads there and what it calls: a request would leave its jurisdiction.
  'inference_geo',
  'container',
  'mcp_servers',
  'data_sources',

  // llama.cpp's slots and its cache: what another request left there would be read, moved or thrown away.
  'id_slot',
  'slot_id',
  'cache_prompt',
  'n_cache_reuse',
  'n_keep',
  'n_discard',

  // Adapters are chosen by the model's name, which is checked; these name them by path or number.
  'lora',
  'lora_path',
  'lora_request',

  // Templates decide where the user's text ends and the system's begins, and run as code (Jinja).
  'chat_template',
  'chat_template_kwargs',
  'chat_template_args',
  'add_generation_prompt',
  'continue_final_message',
  'add_special_tokens',

  // Repeats the prompt as if the model had said it: the answer would be cached and counted as generated.
  'echo',

  // The stream's form: the mesh reads the stream, so it decides.
  'stream_interval',
  'sse_ping_interval',
  'return_progress',
  'response_fields',
])
