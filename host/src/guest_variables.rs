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
        let value = match component.app.variables_block {
            // Spin's provider of environment variables does. Until the task is polled again, what it wakes runs on another
            // thread at once: a response's head may leave before its body is there.
            true => tokio::task::block_in_place(|| component.variables.get(&name).cloned()),
            false => component.variables.get(&name).cloned(),
        };
        Ok(value.ok_or_else(|| match component.variables.is_empty() {
            true => Error::Undefined(format!("no variable for component {:?}", component.id)),
            false => Error::Undefined(format!("no variable for {:?}.{name:?}", component.id)),
        }))
    }
}
