//! Who may make and change assistants.

use axum::http::Extensions;

use crate::document::Role;
use crate::web::asker;
use crate::web::problem::Problem;

/// The name that is kept with a version: of a 確認者 or 管理者. Without accounts whoever passes the
/// gate may change assistants, and no name is known.
///
/// # Errors
/// The person may not.
pub(super) fn editor(extensions: &Extensions) -> Result<String, Problem> {
    let asker = asker::of(extensions)?;
    asker.must_be(Role::Reviewer)?;
    Ok(asker.or_called(""))
}
