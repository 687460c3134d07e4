//! What `kura doctor` says of updates: whether one is due, whether the keys run out, and whether
//! the transfer record is whole.

use super::super::freshness;
use super::{Report, Verdict};
use crate::sync::ledger::{Ledger, TurnedAway};
use crate::sync::{Installation, State, SyncError};
use crate::text::Lang;

/// Publishers say by when the next release comes; a box that took none since is told so.
pub(super) fn due(report: &mut Report, state: &State) {
    let today = freshness::today();
    for (subject, floor) in state.floors.iter().filter(|(_, floor)| floor.is_due(today)) {
        let issued = floor.issued_at.get(..10).unwrap_or_default();
        let days = floor.stale_after_days;
        report.add(
            "update",
            Verdict::Warning,
            format!("{subject}の更新の時期を過ぎています（前回の発行 {issued}、{days}日以内）。新しい更新パッケージを取り込んでください。"),
            format!("An update of {subject} is due (last issued {issued}, within {days} days); import a newer bundle with kura sync."),
        );
    }
}

/// The root of trust: expired, or about to.
pub(super) fn root(report: &mut Report, installation: &Installation) {
    let root = match installation.trusted_root() {
        Ok(None) => return,
        Ok(Some(root)) => root,
        Err(error) => return report.failed("root", &error),
    };
    let today = freshness::today();
    let (last, days) = (root.expires, root.days_left(today));
    if days < 0 {
        report.add(
            "root",
            Verdict::Warning,
            format!("鍵の一覧（root）の期限（{last}）が過ぎています。更新パッケージを取り込めません。機器の日付を確かめ、新しい鍵の一覧を含む更新パッケージを発行者に求めてください。導入済みのものは使い続けられます。"),
            format!("The root document expired on {last}: no update is taken. Check the date of this box, and ask the publisher for a bundle with a newer root. What is installed stays in use."),
        );
    } else if root.expires_soon(today) {
        report.add(
            "root",
            Verdict::Warning,
            format!("鍵の一覧（root）の期限（{last}）まであと{days}日です。過ぎると更新パッケージを取り込めません。新しい鍵の一覧を含む更新パッケージを発行者に求めてください。"),
            format!("The root document expires on {last}, in {days} day(s); then no update is taken. Ask the publisher for a bundle with a newer root."),
        );
    } else {
        report.add(
            "root",
            Verdict::Good,
            format!("鍵の一覧（root）：{last}まで有効です。"),
            format!("Root document: in force until {last}."),
        );
    }
}

/// The transfer record, where there is one; and who was turned away because it is not whole.
pub(super) fn ledger(report: &mut Report, installation: &Installation) {
    match Ledger::of(installation).read() {
        Ok(chain) if chain.records.is_empty() => {}
        Ok(chain) => {
            let count = chain.records.len();
            report.add(
                "ledger",
                Verdict::Good,
                format!("持込記録：記録{count}件、つながりと件数に誤りはありません。"),
                format!("Transfer record: {count} record(s), the chain is whole."),
            );
        }
        Err(error) => {
            report.failed("ledger", &error);
            turned_away(report, installation);
        }
    }
}

fn turned_away(report: &mut Report, installation: &Installation) {
    let Some(noted) = TurnedAway::read(installation) else { return };
    let TurnedAway { attempts, first_at, last_at, who, place } = noted;
    let operator = if who.operator.is_empty() { "―" } else { &who.operator };
    report.add(
        "ledger",
        Verdict::Bad,
        format!("持込記録を検証できない間に受け付けなかった操作が{attempts}件あります（{first_at} から {last_at}。最後の作業者 {operator}、場所 {place}）。"),
        format!("{attempts} attempt(s) were turned away because the transfer record does not verify ({first_at} to {last_at}; the last one by {operator}, {place})."),
    );
}

impl Report {
    fn failed(&mut self, check: &'static str, error: &SyncError) {
        self.add(check, Verdict::Bad, error.message(Lang::Ja), error.message(Lang::En));
    }
}
