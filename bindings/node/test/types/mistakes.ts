// Mistakes that the declarations refuse. Checked, not run.
import * as core from '@use-tusk/drift-core-node'

// @ts-expect-error a value is not a text
core.normalizeJson({})
// @ts-expect-error there is no such profile
core.normalizeJson('{}', { profile: 'jcs' })
// @ts-expect-error there is no such option
core.normalizeJson('{}', { depth: 3 })
// @ts-expect-error members are missing
core.buildSpanProtoBytes({ traceId: '' })
// @ts-expect-error there is no such member
core.processSpan({ trace_id: '' })
// @ts-expect-error bytes are not text
core.spanToJson('{}')
// @ts-expect-error a promise is no result
core.processSpanAsync({}).spanBytes
