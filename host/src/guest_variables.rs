//! `spin:variables`: the component reads its variables.

use std::sync::Arc;

use wasmtime::component::Accessor;

use crate::bindings::variables::{Error, Host, HostWithStore};
use crate::guest::{Guest, HasGuest};
use crate::manifest::check_name;

impl Host for &mut Guest {}

impl<T: Send> HostWithStore<T> for HasGuest {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> wasmtime::Result<Result<String, Error>> {
        if let Err(error) = check_name(&name) {
            return Ok(Err(Error::InvalidName(format!("{name:?}: {error}"))));
        }
        let component = accessor.with(|mut access| Arc::clone(&access.get().component));
        let read = || component.variables.get(&name).cloned();
        // Spin's provider of environment variables blocks. Until the task is polled again, what it wakes runs on another
        // thread at once: a response's head may leave before its body is there.
        let value = if component.app.variables_block { tokio::task::block_in_place(read) } else { read() };
        Ok(value.ok_or_else(|| match component.variables.is_empty() {
            true => Error::Undefined(format!("no variable for component {:?}", component.id)),
            false => Error::Undefined(format!("no variable for {:?}.{name:?}", component.id)),
        }))
    }
}
