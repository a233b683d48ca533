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
        let value = accessor.with(|mut access| access.get().shared.variables.get(&name).cloned());
        Ok(value.ok_or_else(|| Error::Undefined(format!("the component has no variable {name:?}"))))
    }
}
