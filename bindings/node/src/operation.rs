//! An operation of the core as a call that waits and as one that does not.

use crate::failure::{Failure, Report, guard, pending, run};
use crate::js::{Js, Value};
use napi::bindgen_prelude::{AsyncTask, Env, ToNapiValue, Unknown};
use napi::{Error, ScopedTask};

/// Input, one call of the core, output.
pub(crate) trait Operation: Sized + 'static {
    /// The arguments, with bytes read in place for the lifetime.
    type Input<'a>;
    /// What the core gives back; it owns all of it.
    type Output: Send + 'static;

    fn compute(input: &Self::Input<'_>) -> Result<Self::Output, Report>;

    fn convert<'s>(js: &mut Js<'s>, output: Self::Output) -> Result<Value<'s>, Failure>;
}

/// The operation on another thread: its input owns all it needs.
struct Job<O: Operation> {
    input: O::Input<'static>,
}

impl<'task, O: Operation> ScopedTask<'task> for Job<O>
where
    O::Input<'static>: Send,
{
    type Output = Result<O::Output, Report>;
    type JsValue = Unknown<'task>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(guard(|| O::compute(&self.input)))
    }

    fn resolve(&mut self, env: &'task Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let mut js = Js::new(env);
        let converted = match output {
            Ok(output) => guard(|| O::convert(&mut js, output)),
            Err(report) => Err(Failure::from(report)),
        };
        match converted {
            Ok(value) => js.unknown(value),
            Err(failure) => {
                let error = js.caught(failure).map_err(|_| pending())?;
                Err(Error::from_unknown_without_coercion(js.unknown(error)?))
            }
        }
    }
}

/// Reads the input now, computes on a thread of libuv's pool, and settles the
/// promise on the way back. Whatever fails rejects the promise.
pub(crate) fn start<'s, O: Operation>(
    env: &'s Env,
    read: impl FnOnce(&mut Js<'s>) -> Result<O::Input<'static>, Failure>,
) -> napi::Result<Unknown<'s>>
where
    O::Input<'static>: Send,
{
    run(env, |js| match guard(|| read(js)) {
        Ok(input) => {
            let task = AsyncTask::new(Job::<O> { input });
            // SAFETY: the environment is that of this call.
            let promise = unsafe { ToNapiValue::to_napi_value(env.raw(), task) };
            match promise {
                // SAFETY: napi-rs has just made it in this scope.
                Ok(promise) => Ok(unsafe { js.adopt(promise) }),
                Err(error) => Err(Failure::from(Report::of_napi(&error))),
            }
        }
        Err(failure) => {
            let error = js.caught(failure)?;
            js.rejected(error)
        }
    })
}
