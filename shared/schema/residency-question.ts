/**
 * A request as far as residency is concerned, as an operator describes one: to the admin API, or in a file of cases. What is
 * left out is not known, but for headers: a request has those that are given and no others.
 */
import { z } from 'zod'
import { modelName, some, text } from './config-values.ts'

const MAX_HEADERS = 16

const word = text(/^[A-Za-z0-9][A-Za-z0-9-]{0,255}$/, 'one word, e.g. "eu"')
const code = text(/^[A-Z0-9]{2}$/, 'two capitals, e.g. "DE"')

export const residencyQuestionSchema = z.strictObject({
  tenant: word.describe('Id of a tenant.'),
  key: word.optional().describe('Id of one of its keys.'),
  model: modelName.describe('What the client sends as `model`.'),
  country: code.optional().describe("The client's country."),
  continent: code.optional().describe("The client's continent."),
  colo: text(/^[A-Z]{3}$/, 'a three-letter data centre code, e.g. "FRA"')
    .optional()
    .describe('The data centre it arrives at.'),
  host: text(/^[A-Za-z0-9.:-]{1,260}$/, 'a host name')
    .optional()
    .describe('The host it is sent to.'),
  data_class: word.optional().describe('As in x-mesh-data-class.'),
  residency: some(word, 'jurisdictions, regions or pools').optional().describe('As in x-mesh-residency.'),
  headers: z
    .record(
      text(/^[a-z][a-z0-9-]{0,63}$/, 'the name of a header in lower case'),
      text(/^[ -~]{0,1024}$/, 'printable text'),
      'a table of headers, e.g. { x-department = "radiology" }',
    )
    .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`)
    .default({})
    .describe('Other headers, as far as rules ask about them.'),
})

export type ResidencyQuestion = Readonly<z.output<typeof residencyQuestionSchema>>
