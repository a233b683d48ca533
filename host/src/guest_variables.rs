//! `spin:variables`: the component reads its variables.

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
        Ok(accessor.with(|mut access| {
            let component = &access.get().component;
            let value = component.variables.get(&name).cloned();
            value.ok_or_else(|| match component.variables.is_empty() {
                true => Error::Undefined(format!("no variable for component {:?}", component.id)),
                false => Error::Undefined(format!("no variable for {:?}.{name:?}", component.id)),
            })
        }))
    }
}
