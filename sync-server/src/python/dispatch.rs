//! A method call, from the object that is called to the code that knows its type.

use super::desk::{Desk, Outcome};
use super::exceptions::{not_exposed, trouble};
use super::face::Face;
use super::request::Request;

/// Carries out a method call.
pub(crate) fn call(desk: &mut Desk<'_>, request: &Request) -> Outcome {
    let object = request.object(desk.kernel.id());
    let interface = object.and_then(|object| Some((object, desk.kernel.interface_of(object)?)));
    let Some((object, interface)) = interface else {
        let why = format!(
            "'{}': there is no such object: its last proxy was dropped, or its manager is another",
            request.ident()
        );
        return Err(trouble("KeyError", &why));
    };
    let Some(face) = Face::of(interface.fingerprint) else {
        let why = format!(
            "an object of the type {} has no form in Python: call it from a Rust program",
            interface.name
        );
        return Err(trouble("TypeError", &why));
    };
    let known = (face.call)(desk, object, request.function(), request.args());
    known.unwrap_or_else(|| Err(not_exposed(face.typeid, request.function(), face.exposed)))
}
