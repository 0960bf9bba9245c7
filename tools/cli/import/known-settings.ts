/**
 * Which settings of LiteLLM and Portkey an import may pass over: they say how well a request is served, or what is told of it,
 * not what is allowed. Whatever is not listed here may forbid something, and is never passed over in silence.
 */

const ROUTES = 'the mesh routes by what it measures'
const ANOTHER_MODEL = 'the mesh never answers with another model than the one that was asked for'
const OTHER_EYES = 'what the mesh tells of itself is set up on its own'
const CLIENTS_SAY = 'clients send it themselves'
const SELF_SERVICE = 'nobody makes keys for themselves here'
const OWN_STATE = 'the mesh keeps its state by itself'

type Passed = Readonly<Record<string, string>>

export const ROUTER_SETTINGS: Passed = {
  ...each(ROUTES, [
    'routing_strategy',
    'routing_strategy_args',
    'allowed_fails',
    'allowed_fails_policy',
    'cooldown_time',
    'disable_cooldowns',
    'retry_policy',
    'retry_after',
    'model_group_retry_policy',
    'enable_pre_call_checks',
    'stream_timeout',
    'client_ttl',
    'enable_weighted_failover',
  ]),
  ...each(ANOTHER_MODEL, [
    'fallbacks',
    'context_window_fallbacks',
    'content_policy_fallbacks',
    'default_fallbacks',
    'max_fallbacks',
  ]),
  ...each(OWN_STATE, [
    'redis_host',
    'redis_port',
    'redis_password',
    'redis_url',
    'redis_db',
    'cache_responses',
    'cache_kwargs',
  ]),
  ...each(OTHER_EYES, ['set_verbose', 'debug_level', 'alerting_config']),
}

export const MODULE_SETTINGS: Passed = {
  ...each(ANOTHER_MODEL, [
    'fallbacks',
    'default_fallbacks',
    'content_policy_fallbacks',
    'context_window_fallbacks',
  ]),
  ...each(OTHER_EYES, [
    'success_callback',
    'failure_callback',
    'service_callback',
    'service_callbacks',
    'turn_off_message_logging',
    'redact_user_api_key_info',
    'redact_messages_in_exceptions',
    'langfuse_default_tags',
    'set_verbose',
    'json_logs',
    'telemetry',
    'disable_end_user_cost_tracking',
    'disable_end_user_cost_tracking_prometheus_only',
  ]),
  ...each(SELF_SERVICE, [
    'key_generation_settings',
    'upperbound_key_generate_params',
    'default_key_generate_params',
    'default_internal_user_params',
    'default_team_params',
    'enable_key_alias_format_validation',
  ]),
  ...each('it concerns a way of calling that the mesh does not have', [
    'mcp_aliases',
    'force_ipv4',
    'modify_params',
    'enable_preview_features',
    'ssl_verify',
    'aiohttp_trust_env',
    'disable_add_transform_inline_image_block',
    'disable_hf_tokenizer_download',
    'disable_copilot_system_to_assistant',
    'use_chat_completions_url_for_anthropic_messages',
  ]),
  ...each(ROUTES, ['allowed_fails']),
  drop_params: 'a field that no pool of the model takes is refused by its name, not dropped',
}

export const GENERAL_SETTINGS: Passed = {
  ...each('the mesh has an admin token of its own, MESH_ADMIN_TOKEN', [
    'master_key',
    'disable_master_key_return',
    'disable_adding_master_key_hash_to_db',
    'ui_access_mode',
  ]),
  ...each(OWN_STATE, [
    'database_url',
    'database_connection_pool_limit',
    'database_connection_timeout',
    'store_model_in_db',
    'allow_requests_on_db_unavailable',
    'proxy_batch_write_at',
    'use_redis_transaction_buffer',
    'disable_reset_budget',
    'disable_spend_logs',
    'disable_spend_updates',
    'maximum_spend_logs_retention_period',
    'maximum_spend_logs_retention_interval',
    'key_management_system',
    'key_management_settings',
  ]),
  ...each(OTHER_EYES, [
    'alerting',
    'alerting_threshold',
    'alerting_args',
    'alert_types',
    'alert_to_webhook_url',
    'spend_report_frequency',
    'background_health_checks',
    'health_check_interval',
    'health_check_details',
  ]),
  ...each('the mesh does not do it', [
    'store_prompts_in_spend_logs',
    'forward_client_headers_to_llm_api',
    'infer_model_from_keys',
    'completion_model',
    'pass_through_endpoints',
    'use_client_credentials_pass_through_routes',
    'user_mcp_management_mode',
    'enable_jwt_auth',
    'disable_retry_on_max_parallel_request_limit_error',
  ]),
  max_request_size_mb: 'limits.max_body_bytes is 1 MiB unless you raise it',
}

export const SECTIONS: Passed = {
  ...each('it is no part of what the mesh serves', [
    'mcp_servers',
    'search_tools',
    'vector_store_registry',
    'files_settings',
    'finetune_settings',
    'assistant_settings',
    'prompts',
    'agent_list',
  ]),
  callback_settings: OTHER_EYES,
}

export const DEPLOYMENT_PARAMS: Passed = {
  ...each(ROUTES, [
    'rpm',
    'tpm',
    'weight',
    'order',
    'timeout',
    'stream_timeout',
    'max_retries',
    'num_retries',
  ]),
  ...each(CLIENTS_SAY, [
    'temperature',
    'top_p',
    'seed',
    'max_tokens',
    'max_completion_tokens',
    'n',
    'stop',
    'presence_penalty',
    'frequency_penalty',
    'reasoning_effort',
    'drop_params',
    'additional_drop_params',
    'merge_reasoning_content_in_choices',
  ]),
  organization: 'the key alone decides whose account is charged',
  use_in_pass_through: 'there is no pass-through',
}

export const MODEL_INFO: Passed = each('it only describes the model', [
  'id',
  'version',
  'description',
  'metadata',
  'base_model',
  'litellm_provider',
  'db_model',
  'created_at',
  'created_by',
  'updated_at',
  'updated_by',
  'max_output_tokens',
  'output_vector_size',
  'access_groups',
  'health_check_model',
  'health_check_timeout',
  'disable_background_health_check',
  'tier',
])

/** Callbacks that only look on. Others of the same list may stop a request, and are guards. */
export const LOOKING_ON: ReadonlySet<string> = new Set([
  'langfuse',
  'langfuse_otel',
  'langsmith',
  'otel',
  'prometheus',
  'datadog',
  'datadog_llm_observability',
  'sentry',
  's3',
  's3_v2',
  'gcs_bucket',
  'azure_storage',
  'lunary',
  'helicone',
  'arize',
  'arize_phoenix',
  'braintrust',
  'opik',
  'logfire',
  'posthog',
  'slack',
  'smtp_email',
  'openmeter',
  'athina',
  'argilla',
  'humanloop',
  'deepeval',
  'mlflow',
  'generic_api',
])

export const PORTKEY_SETTINGS: Passed = {
  ...each(ROUTES, ['weight', 'cb_config', 'on_status_codes']),
  ...each('it only names it', ['name', 'id']),
  ...each('nothing is sent to a pool but what was checked', ['forward_headers', 'passthrough']),
  ...each('the key alone decides whose account is charged', ['openai_organization', 'openai_project']),
  default_params: CLIENTS_SAY,
  strict_open_ai_compliance: 'answers always have the form of OpenAI',
  drop_params: 'a field that no pool of the model takes is refused by its name, not dropped',
}

function each(reason: string, names: readonly string[]): Passed {
  return Object.fromEntries(names.map((name) => [name, reason]))
}
