//! The field numbers of the contract, in one table.
//!
//! A test encodes every field of the generated messages and compares, so a
//! new field in the contract fails until someone has decided what becomes of it.

/// `google.protobuf.Struct`, `.Struct.FieldsEntry`, `.Value`, `.ListValue`.
pub(crate) mod structure {
    pub(crate) const FIELDS: u32 = 1;
    pub(crate) const ENTRY_KEY: u32 = 1;
    pub(crate) const ENTRY_VALUE: u32 = 2;
    pub(crate) const NULL_VALUE: u32 = 1;
    pub(crate) const NUMBER_VALUE: u32 = 2;
    pub(crate) const STRING_VALUE: u32 = 3;
    pub(crate) const BOOL_VALUE: u32 = 4;
    pub(crate) const STRUCT_VALUE: u32 = 5;
    pub(crate) const LIST_VALUE: u32 = 6;
    pub(crate) const LIST_VALUES: u32 = 1;
}

/// `tusk.drift.core.v1.JsonSchema`.
pub(crate) mod json_schema {
    pub(crate) const TYPE: u32 = 1;
    pub(crate) const PROPERTIES: u32 = 2;
    pub(crate) const ITEMS: u32 = 3;
    pub(crate) const ENCODING: u32 = 4;
    pub(crate) const DECODED_TYPE: u32 = 5;
    pub(crate) const MATCH_IMPORTANCE: u32 = 6;
}

/// `tusk.drift.core.v1.SpanStatus`.
pub(crate) mod span_status {
    pub(crate) const CODE: u32 = 1;
    pub(crate) const MESSAGE: u32 = 2;
}

/// `google.protobuf.Timestamp` and `google.protobuf.Duration`.
pub(crate) mod time {
    pub(crate) const SECONDS: u32 = 1;
    pub(crate) const NANOS: u32 = 2;
}

/// `tusk.drift.core.v1.Span`.
pub(crate) mod span {
    pub(crate) const TRACE_ID: u32 = 1;
    pub(crate) const SPAN_ID: u32 = 2;
    pub(crate) const PARENT_SPAN_ID: u32 = 3;
    pub(crate) const NAME: u32 = 4;
    pub(crate) const PACKAGE_NAME: u32 = 5;
    pub(crate) const INSTRUMENTATION_NAME: u32 = 6;
    pub(crate) const SUBMODULE_NAME: u32 = 7;
    pub(crate) const PACKAGE_TYPE: u32 = 8;
    pub(crate) const INPUT_VALUE: u32 = 9;
    pub(crate) const OUTPUT_VALUE: u32 = 10;
    pub(crate) const INPUT_SCHEMA: u32 = 11;
    pub(crate) const OUTPUT_SCHEMA: u32 = 12;
    pub(crate) const INPUT_SCHEMA_HASH: u32 = 13;
    pub(crate) const OUTPUT_SCHEMA_HASH: u32 = 14;
    pub(crate) const INPUT_VALUE_HASH: u32 = 15;
    pub(crate) const OUTPUT_VALUE_HASH: u32 = 16;
    pub(crate) const KIND: u32 = 17;
    pub(crate) const STATUS: u32 = 18;
    pub(crate) const IS_PRE_APP_START: u32 = 19;
    pub(crate) const TIMESTAMP: u32 = 20;
    pub(crate) const DURATION: u32 = 21;
    pub(crate) const IS_ROOT_SPAN: u32 = 22;
    pub(crate) const METADATA: u32 = 23;
    pub(crate) const ENVIRONMENT: u32 = 24;
    /// Read back and checked, never written: the backend assigns it.
    pub(crate) const ID: u32 = 25;
}

/// `tusk.drift.backend.v1.ExportSpansRequest`.
pub(crate) mod export {
    pub(crate) const OBSERVABLE_SERVICE_ID: u32 = 1;
    pub(crate) const ENVIRONMENT: u32 = 2;
    pub(crate) const SDK_VERSION: u32 = 3;
    pub(crate) const SDK_INSTANCE_ID: u32 = 4;
    pub(crate) const SPANS: u32 = 5;
}
