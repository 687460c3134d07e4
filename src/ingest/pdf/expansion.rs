//! Bounds the work of forms inside forms before a page is interpreted.
//!
//! A form that draws itself twice is drawn 2⁵⁰ times before the interpreter's depth limit
//! stops it. So the bytes that a page would expand to are added up first.

use std::collections::HashMap;

use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::{Dict, Name, ObjectIdentifier, Stream};
use hayro_syntax::page::{Page, Resources};

/// Depth to which the interpreter follows forms.
const DEPTH_MAX: u32 = 50;
/// Bytes of content streams that one page may expand to.
const BYTES_MAX: u64 = 400_000_000;
/// Distinct forms of a page that are looked into.
const FORMS_MAX: usize = 20_000;

/// The cost of forms that were added up already, by form and depth.
#[derive(Default)]
struct Costs<'a> {
    known: HashMap<(ObjectIdentifier, u32), u64>,
    forms: HashMap<ObjectIdentifier, Form<'a>>,
}

/// A form's own length and the forms that it draws.
#[derive(Clone)]
struct Form<'a> {
    length: u64,
    draws: Vec<Stream<'a>>,
}

/// True when drawing the page takes a bounded amount of work.
pub(super) fn is_bounded(page: &Page<'_>) -> bool {
    let resources = page.resources();
    if resources.x_objects.is_empty() {
        return true;
    }
    let mut costs = Costs::default();
    let mut total = 0u64;
    for form in drawn(page.typed_operations(), resources) {
        total = total.saturating_add(costs.of(&form, resources, 1));
        if total > BYTES_MAX || costs.forms.len() > FORMS_MAX {
            return false;
        }
    }
    true
}

impl<'a> Costs<'a> {
    fn of(&mut self, stream: &Stream<'a>, inherited: &Resources<'a>, depth: u32) -> u64 {
        let id = stream.obj_id();
        if depth > DEPTH_MAX || self.forms.len() > FORMS_MAX {
            return 0;
        }
        if let Some(cost) = self.known.get(&(id, depth)) {
            return *cost;
        }
        let own = stream.dict().get::<Dict<'a>>(b"Resources").map(Resources::new);
        let resources = own.as_ref().unwrap_or(inherited);
        let form = self.forms.entry(id).or_insert_with(|| {
            let content = stream.decoded_data().unwrap_or_default();
            let draws = drawn(TypedIter::new(&content), resources);
            Form { length: content.len() as u64, draws }
        });
        let form = form.clone();
        let mut cost = form.length;
        for inner in &form.draws {
            cost = cost.saturating_add(self.of(inner, resources, depth + 1));
        }
        self.known.insert((id, depth), cost);
        cost
    }
}

/// The forms that a content stream draws, each as often as it is drawn.
fn drawn<'a>(mut operations: TypedIter<'_>, resources: &Resources<'a>) -> Vec<Stream<'a>> {
    let mut forms = Vec::new();
    while let Some(operation) = operations.next() {
        let TypedInstruction::XObject(name) = operation else {
            continue;
        };
        let Some(stream) = resources.get_x_object(name.0) else {
            continue;
        };
        let subtype = stream.dict().get::<Name<'_>>(b"Subtype");
        if subtype.is_some_and(|subtype| subtype.as_ref() == b"Form") {
            forms.push(stream);
        }
    }
    forms
}
