/** Tells whether a request's content lies partly elsewhere: behind a URL, or in a file known only by its id. */
import { isObject } from '../is-object.ts'

const DATA_URL = /^data:/i

/** Whether any message has a part that refers to content which is not in the request itself. */
export function hasUrlContent(body: Readonly<Record<string, unknown>>): boolean {
  const messages = body['messages']
  return Array.isArray(messages) && messages.some((message) => refersElsewhere(member(message, 'content')))
}

function refersElsewhere(content: unknown): boolean {
  return (
    Array.isArray(content) && content.some((part) => isObject(part) && Object.entries(part).some(pointsAway))
  )
}

/** `image_url`, `video_url`, … hold a URL or `{url}`; `file` may hold an id in place of its data. */
function pointsAway([name, value]: [string, unknown]): boolean {
  if (name === 'file') return member(value, 'file_data') === undefined || isAway(member(value, 'file_url'))
  return name.endsWith('_url') && isAway(typeof value === 'string' ? value : member(value, 'url'))
}

function isAway(url: unknown): boolean {
  return url !== undefined && !(typeof url === 'string' && DATA_URL.test(url))
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}
