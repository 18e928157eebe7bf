//! A live request, and what is computed of it when it is needed.

use crate::forms::{Form, FormError, FormReader, Forms, Input};
use crate::guard::Guard;
use crate::load::{scope, scoped};
use crate::request::MockRequest;
use crate::span::Span;
use serde_json::Value;
use std::cell::RefCell;
use std::sync::OnceLock;

thread_local! {
    static FORMS: RefCell<FormReader> = RefCell::new(FormReader::default());
}

/// A live request, and what is computed of it when it is needed.
pub(super) struct Live<'r> {
    pub(super) request: &'r MockRequest,
    input: Option<Input>,
    pub(super) forms: Forms,
    /// What the keys of its package and kind are mixed with.
    scope: u128,
    pub(super) problem: Option<String>,
    values: OnceLock<Values>,
    guard: OnceLock<Guard>,
}

/// An input for comparing: whole, and without what has no importance.
pub(super) struct Values {
    pub(super) whole: Value,
    reduced: Option<Value>,
}

impl Values {
    pub(super) fn of(input: Option<&Input>) -> Values {
        // What serde_json does not read, for it is too deep, is compared as text.
        let read = |text: &str| {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        };
        Values {
            whole: input.map_or(Value::Null, |input| read(&input.json)),
            reduced: input.and_then(|input| input.reduced_json.as_deref().map(read)),
        }
    }

    pub(super) fn reduced(&self) -> &Value {
        self.reduced.as_ref().unwrap_or(&self.whole)
    }
}

impl<'r> Live<'r> {
    pub(super) fn new(request: &'r MockRequest) -> Live<'r> {
        let span = &request.span;
        let (input, problem) = match read_input(span) {
            Ok(input) => (input, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Live {
            request,
            forms: Forms::of(
                input.as_ref(),
                &span.input_value_hash,
                &span.input_schema_hash,
            ),
            input,
            scope: scope(&span.package_name, span.kind),
            problem,
            values: OnceLock::new(),
            guard: OnceLock::new(),
        }
    }

    pub(super) fn key(&self, form: Form) -> u128 {
        scoped(
            self.forms.key(form).map_or(0, |key| key.number()),
            self.scope,
        )
    }

    pub(super) fn values(&self) -> &Values {
        self.values.get_or_init(|| Values::of(self.input.as_ref()))
    }

    pub(super) fn guard(&self) -> &Guard {
        self.guard.get_or_init(|| Guard::of(&self.request.span))
    }

    pub(super) fn is_pre_app_start(&self) -> bool {
        self.request.span.is_pre_app_start
    }
}

pub(super) fn read_input(span: &Span) -> Result<Option<Input>, FormError> {
    FORMS.with_borrow_mut(|reader| {
        reader.input(span.input_value.as_deref(), span.input_schema.as_deref())
    })
}

pub(super) fn read_values(span: &Span) -> Values {
    Values::of(read_input(span).ok().flatten().as_ref())
}
