//! The choice of data in a request: the same names in JSON, in forms and in addresses.
//!
//! JSON: `datasets`, `editions` {id: edition}, `as_of`, `authorities`, `scopes`, `period` {from,
//! until}. Forms: `datasets`, `editions` (`id=edition`), `as_of`, `authorities`, `scopes`, `from`,
//! `until`; what may come several times may also be joined by commas.

use serde_json::Value;

use super::fields::Fields;
use super::form::Form;
use super::problem::Problem;
use crate::answer::{Choice, DatasetSummary, Selection};
use crate::document::{Authority, Scope};

/// The fields of JSON that make up a selection.
pub(crate) const FIELDS: [&str; 6] =
    ["datasets", "editions", "as_of", "authorities", "scopes", "period"];

/// Reads the fields of JSON.
pub(crate) fn of_json(fields: &Fields<'_>) -> Result<Selection, Problem> {
    with_datasets(fields, fields.datasets()?)
}

/// The same where the data sets have been read already.
pub(crate) fn with_datasets(
    fields: &Fields<'_>,
    datasets: Option<Vec<String>>,
) -> Result<Selection, Problem> {
    let texts = |name| Ok::<_, Problem>(fields.texts(name)?.unwrap_or_default());
    let period = fields.object("period", "period.")?;
    let end = |name| match &period {
        Some(period) => {
            period.only(&["from", "until"])?;
            Ok::<_, Problem>(period.text(name)?.unwrap_or_default().to_owned())
        }
        None => Ok(String::new()),
    };
    let choice = Choice {
        datasets: datasets.unwrap_or_default(),
        editions: editions(fields)?,
        as_of: fields.text("as_of")?.unwrap_or_default().to_owned(),
        authorities: texts("authorities")?,
        scopes: texts("scopes")?,
        from: end("from")?,
        until: end("until")?,
    };
    Ok(choice.read()?)
}

fn editions(fields: &Fields<'_>) -> Result<Vec<String>, Problem> {
    let wrong = || {
        let en = "an object of data set ids and editions";
        fields.wrong_type("editions", "データセットのIDと版のオブジェクト", en)
    };
    match fields.get("editions") {
        None => Ok(Vec::new()),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(id, edition)| Ok(format!("{id}={}", edition.as_str().ok_or_else(wrong)?)))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// Reads the fields of a form or of an address.
pub(crate) fn of_form(form: &Form) -> Result<Selection, Problem> {
    let list = |name| form.list(name).unwrap_or_default();
    let text = |name| form.first(name).unwrap_or_default().to_owned();
    let choice = Choice {
        datasets: list("datasets"),
        editions: list("editions"),
        as_of: text("as_of"),
        authorities: list("authorities"),
        scopes: list("scopes"),
        from: text("from"),
        until: text("until"),
    };
    Ok(choice.read()?)
}

/// The fields of a form for a selection of before; what is not installed any more is left out.
pub(crate) fn to_form(selection: &Selection, datasets: &[DatasetSummary]) -> Form {
    let installed = |id: &str| datasets.iter().find(|each| each.identity.id == id);
    let mut form = Form::default();
    for id in selection.datasets.iter().flatten().filter(|id| installed(id).is_some()) {
        form = form.with("datasets", id);
    }
    for (id, edition) in &selection.editions {
        let older = installed(id).map(|each| each.older.as_slice()).unwrap_or_default();
        if older.iter().any(|each| each.edition == *edition) {
            form = form.with("editions", &format!("{id}={edition}"));
        }
    }
    for authority in selection.authorities.iter().flatten() {
        let known = Authority::ALL.iter().find(|(each, _)| each == authority);
        form = known.into_iter().fold(form, |form, (_, name)| form.with("authorities", name));
    }
    for scope in selection.scopes.iter().flatten() {
        let name = if *scope == Scope::Common { "common" } else { "local" };
        form = form.with("scopes", name);
    }
    let period = selection.period.unwrap_or_default();
    let days = [("as_of", selection.as_of), ("from", period.from), ("until", period.until)];
    days.into_iter().fold(form, |form, (name, day)| match day {
        Some(day) => form.with(name, &day.to_string()),
        None => form,
    })
}
