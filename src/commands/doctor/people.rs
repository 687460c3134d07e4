//! Whether people have accounts here.

use super::super::accounts::look;
use super::super::{Context, Failure};
use super::{Report, Verdict};
use crate::document::Role;
use crate::store::Account;
use crate::text::Lang;

pub(super) fn check(report: &mut Report, context: &Context) {
    match read(context) {
        Ok(accounts) if accounts.is_empty() => report.add(
            "accounts",
            Verdict::Warning,
            "利用者のアカウントがありません。来た人全員が同じ権限で、更新や前の世代に戻す操作もできます。kura user add 利用者名 --name 氏名 --section 所属 --role admin --generate で最初の管理者を登録してください。",
            "Nobody has an account: all who come in may do everything, updates and roll-back included. Add the first administrator with kura user add LOGIN --name NAME --section SECTION --role admin --generate.",
        ),
        Ok(accounts) => {
            let enabled: Vec<_> = accounts.iter().filter(|account| !account.disabled).collect();
            let is_admin = |account: &&&Account| account.person.role == Role::Admin;
            let (people, admins) = (enabled.len(), enabled.iter().filter(is_admin).count());
            report.add(
                "accounts",
                if admins > 0 { Verdict::Good } else { Verdict::Warning },
                format!("利用者のアカウント：{people}人（うち管理者{admins}人）。"),
                format!("Accounts: {people} enabled, {admins} of them administrators."),
            );
        }
        Err(failure) => report.add(
            "accounts",
            Verdict::Bad,
            failure.message(Lang::Ja),
            failure.message(Lang::En),
        ),
    }
}

fn read(context: &Context) -> Result<Vec<Account>, Failure> {
    look(context, Vec::new(), async |store| Ok(store.accounts().await?))
}
