// Uses every function as its declaration says. Checked, not run.
import * as core from '@use-tusk/drift-core-node'
import type {
  BatchError,
  BuildSpanProtoBytesInput,
  CanonicalOptions,
  Difference,
  DriftError,
  ErrorCode,
  JsonText,
  NormalizeAndHashResult,
  ProcessedBatch,
  ProcessedSpan,
  ProcessExportPayloadResult,
  ProcessSpansOptions,
  SpanInput,
} from '@use-tusk/drift-core-node'

const texts: JsonText[] = ['{}', Buffer.from('{}'), new Uint8Array([123, 125])]
const options: CanonicalOptions = { profile: 'rfc8785', algorithm: 'blake3' }

for (const text of texts) {
  const normalized: string = core.normalizeJson(text)
  const normalizedBy: string = core.normalizeJson(text, options)
  const hash: string = core.deterministicHash(text, { algorithm: 'sha256' })
  const both: NormalizeAndHashResult = core.normalizeAndHash(text, null)
  const struct: Buffer = core.objectToProtobufStructBytes(text)
  const count: number = core.objectToProtobufStructFieldCount(text)
  const payload: ProcessExportPayloadResult = core.processExportPayload(text)
  const decoded: string = core.processExportPayload(text, text).decodedJson
  const undecoded: string = core.processExportPayload(text, null).decodedJson
  const later: Promise<ProcessExportPayloadResult> = core.processExportPayloadAsync(text, undefined)
  void [normalized, normalizedBy, hash, both.deterministicHash, struct, count, payload.decodedValueHash, decoded, undecoded, later]
}

const built: BuildSpanProtoBytesInput = {
  traceId: '',
  spanId: '',
  parentSpanId: '',
  name: '',
  packageName: '',
  instrumentationName: '',
  submoduleName: '',
  packageType: 1,
  kind: 1,
  inputSchemaJson: '{}',
  outputSchemaJson: Buffer.from('{}'),
  inputSchemaHash: '',
  outputSchemaHash: '',
  inputValueHash: '',
  outputValueHash: '',
  statusCode: 1,
  statusMessage: '',
  isPreAppStart: false,
  isRootSpan: true,
  timestampSeconds: 1n,
  timestampNanos: 0,
  durationSeconds: 0,
  durationNanos: 0,
  inputValueProtoStructBytes: new Uint8Array(),
}
const spanBytes: Buffer = core.buildSpanProtoBytes(built)
const spanBytesLater: Promise<Buffer> = core.buildSpanProtoBytesAsync({ ...built, environment: null })
const request: Buffer = core.buildExportSpansRequestBytes('id', 'env', '1', 'instance', [spanBytes, new Uint8Array()])
const requestLater: Promise<Buffer> = core.buildExportSpansRequestBytesAsync('id', 'env', '1', 'instance', [])

const span: SpanInput = { name: 'GET /', inputJson: '{}', outputJson: Buffer.from('{}'), timestampSeconds: 1 }
const processed: ProcessedSpan = core.processSpan(span)
const processedLater: Promise<ProcessedSpan> = core.processSpanAsync(span)
const batchOptions: ProcessSpansOptions = { observableServiceId: 'id', maxMessageDepth: 100, strict: false }
const batch: ProcessedBatch = core.processSpans([span, processed.spanBytes, new Uint8Array()], batchOptions)
const batchLater: Promise<ProcessedBatch> = core.processSpansAsync([span])
const errors: BatchError[] = batch.errors
const codes: ErrorCode[] = errors.map((error) => error.code)

const line: string = core.spanToJson(processed.spanBytes)
const lines: string = core.exportRequestToJson(batch.requestBytes)
const value: string = core.structToJson(core.objectToProtobufStructBytes('{}'))
const differences: Difference[] = [
  ...core.diffJson('{}', Buffer.from('[]')),
  ...core.diffSpans(spanBytes, spanBytes),
  ...core.diffExportRequests(request, batch.requestBytes),
]
const left: Array<string | null> = differences.map((difference) => difference.left)

try {
  core.normalizeJson('{')
} catch (thrown) {
  const { code, path, offset, index }: DriftError = thrown as DriftError
  void [code, path, offset, index]
}

void [spanBytesLater, requestLater, processedLater, batchLater, codes, line, lines, value, left]
