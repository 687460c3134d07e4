//! When a revision of a law is in force, as e-Gov states it.
//!
//! A bulk file has attributes of `<Law>` (`EnforcementDate`, `ScheduledEnforcementDate`, `Status`,
//! `RepealType`) and the day in its name (`330AC1000000186_20230607_505AC0000000044`); an answer of
//! the API has elements of `<revision_info>` around the law. What a file says of its status was
//! true on the day of the download, so days stand above it.

use jiff::civil::Date;

use super::tree::Element;
use crate::document::{Standing, Validity};

/// Reads it; `name` is the file's name without its extension.
pub(super) fn validity(root: &Element, law: &Element, name: &str) -> Validity {
    let own = |key: &str| Some(law.attribute(key).trim().to_owned());
    let around = |key: &str| root.find(key).map(|element| element.text().trim().to_owned());
    let day = |text: Option<String>| text.as_deref().and_then(read_day);
    let in_force_from = day(own("EnforcementDate"))
        .or_else(|| day(around("amendment_enforcement_date")))
        .or_else(|| day(own("ScheduledEnforcementDate")))
        .or_else(|| day(around("amendment_scheduled_enforcement_date")))
        .or_else(|| day_of_name(name));
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    let repealed = said(own("RepealType")).or_else(|| said(around("repeal_status")));
    // A law may be 失効 and yet hold for what it governed before (RemainInForce); suspended ones
    // come back.
    let repealed = repealed.is_some_and(|kind| !matches!(kind.as_str(), "None" | "Suspend"));
    let repeal_day = day(own("RepealDate")).or_else(|| day(around("repeal_date")));
    let status = said(own("Status")).or_else(|| said(around("current_revision_status")));
    let status = match status.as_deref() {
        _ if repealed => Some(Standing::Repealed),
        Some("CurrentEnforced") => Some(Standing::Current),
        Some("UnEnforced") => Some(Standing::Scheduled),
        Some("PreviousEnforced") => Some(Standing::Superseded),
        Some("Repeal") => Some(Standing::Repealed),
        _ => None,
    };
    Validity {
        in_force_from,
        in_force_until: repeal_day.filter(|_| repealed).and_then(|day| day.yesterday().ok()),
        status,
    }
}

/// `2025/06/06` or `2025-06-06`.
fn read_day(text: &str) -> Option<Date> {
    text.replace('/', "-").parse().ok()
}

/// The day in `lawID_day_amendingLawID`.
fn day_of_name(name: &str) -> Option<Date> {
    let mut parts = name.split('_');
    let (id, day) = (parts.next()?, parts.next()?);
    let is_id = id.len() == 15 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_day = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    let number = |range: std::ops::Range<usize>| day.get(range)?.parse::<i16>().ok();
    (is_id && is_day).then_some(())?;
    let (month, day) = (number(4..6)?, number(6..8)?);
    Date::new(number(0..4)?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::document::{Standing, Validity};
    use jiff::civil::{Date, date};

    fn law(attributes: &str) -> String {
        format!(
            "<Law {attributes}><LawNum>令和六年法律第一号</LawNum><LawBody><LawTitle>見本法\
             </LawTitle><MainProvision><Paragraph Num=\"1\"><ParagraphNum/><ParagraphSentence>\
             <Sentence>文。</Sentence></ParagraphSentence></Paragraph></MainProvision></LawBody></Law>"
        )
    }

    fn validity(xml: &str, name: &str) -> Validity {
        read(xml.as_bytes(), name).unwrap().law.unwrap().validity
    }

    #[test]
    fn revisions_are_told_by_attributes_answer_and_name() {
        let of = |from: Option<Date>, until, status| Validity {
            in_force_from: from,
            in_force_until: until,
            status,
        };
        let name = "406AC0000000001_20250401_507AC0000000002";
        let answer = |status: &str| {
            format!(
                "<law_data_response><revision_info><repeal_status>None</repeal_status>\
                 <current_revision_status>{status}</current_revision_status>\
                 <amendment_enforcement_date>2023-06-07</amendment_enforcement_date>\
                 </revision_info><law_full_text>{}</law_full_text></law_data_response>",
                law("")
            )
        };
        for (xml, name, expected) in [
            (law(""), "見本", Validity::default()),
            (law(""), name, of(Some(date(2025, 4, 1)), None, None)),
            (
                law(r#"EnforcementDate="2023/06/07" Status="CurrentEnforced" RepealType="""#),
                name,
                of(Some(date(2023, 6, 7)), None, Some(Standing::Current)),
            ),
            (
                law(r#"ScheduledEnforcementDate="2027/04/01" Status="UnEnforced""#),
                "a",
                of(Some(date(2027, 4, 1)), None, Some(Standing::Scheduled)),
            ),
            (
                law(r#"EnforcementDate="2020/04/01" RepealType="Repeal" RepealDate="2024/04/01""#),
                "a",
                of(Some(date(2020, 4, 1)), Some(date(2024, 3, 31)), Some(Standing::Repealed)),
            ),
            (
                answer("PreviousEnforced"),
                "a",
                of(Some(date(2023, 6, 7)), None, Some(Standing::Superseded)),
            ),
        ] {
            assert_eq!(validity(&xml, name), expected, "{xml}");
        }
    }
}
