/** The package brings no types of its own. */
declare module 'parse-prometheus-text-format' {
  import type { ParsedFamily } from './parsed-metrics.ts'
  export default function parse(text: string): readonly ParsedFamily[]
}
