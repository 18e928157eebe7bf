//! Payloads: `processExportPayload`.

use crate::factory::EXPORT_PAYLOAD;
use crate::failure::{Failure, Report};
use crate::js::{Js, Value};
use crate::operation::Operation;
use crate::read::{Source, Text};
use drift_rust_core::{ProcessedPayload, process_export_payload};

/// `processExportPayload`.
pub(crate) struct ProcessPayload;

/// Its arguments.
pub(crate) struct PayloadInput<'a> {
    payload: Text<'a>,
    merges: Option<Text<'a>>,
}

impl<'a> PayloadInput<'a> {
    pub(crate) fn read<'s>(
        source: &impl Source<'s, 'a>,
        payload: Value<'s>,
        merges: Value<'s>,
    ) -> Result<PayloadInput<'a>, Failure> {
        Ok(PayloadInput {
            payload: source
                .text(payload)
                .map_err(|unfit| unfit.of_argument("payloadJson"))?,
            merges: source
                .optional_text(merges)
                .map_err(|unfit| unfit.of_argument("schemaMergesJson"))?,
        })
    }
}

impl Operation for ProcessPayload {
    type Input<'a> = PayloadInput<'a>;
    type Output = ProcessedPayload;

    fn compute(input: &PayloadInput<'_>) -> Result<ProcessedPayload, Report> {
        process_export_payload(input.payload.json(), input.merges.as_ref().map(Text::json))
            .map_err(|error| Report::of(&error))
    }

    fn convert<'s>(js: &mut Js<'s>, mut output: ProcessedPayload) -> Result<Value<'s>, Failure> {
        // What is large is freed as soon as JavaScript has it, and the Struct
        // bytes come first, since they are copied whatever their size.
        let (normalized_json, decoded_json) = output.take_texts();
        let struct_bytes = js.buffer_of(output.protobuf_struct_bytes)?;
        let normalized = js.string_of(normalized_json)?;
        let decoded = match decoded_json {
            None => normalized,
            Some(decoded_json) => js.string_of(decoded_json)?,
        };
        let values = [
            normalized,
            decoded,
            js.string(&output.decoded_value_hash)?,
            js.string_of(output.decoded_schema_json)?,
            js.string(&output.decoded_schema_hash)?,
            struct_bytes,
        ];
        js.shaped(&EXPORT_PAYLOAD, values)
    }
}
