//! Going back to the generation before, with a record of who did it.

use super::bundle::Kind;
use super::ledger::{Event, Ledger, Who};
use super::{Installation, SyncError};

impl Installation {
    /// Goes back to the generation before; asked again, it comes forward. Gives the name of the
    /// generation in use now.
    ///
    /// # Errors
    /// There is none before, or it was withdrawn for security; [`SyncError::Locked`] while another
    /// change runs; reading or writing the data folder failed.
    pub fn roll_back(&self, kind: Kind, id: &str, who: &Who) -> Result<String, SyncError> {
        let mut writer = self.writer()?;
        let ledger = Ledger::of(self);
        ledger.settle(writer.state())?;
        // On record first: a power cut between the two may leave a record too many, which the next
        // one shows, but never a generation that nobody can explain.
        let target = writer.generation_before(kind, id)?;
        let subject = format!("{}/{id}", kind.name());
        ledger.note(Event::RolledBack, who, &format!("{subject} → {target}"))?;
        let done = writer.roll_back(kind, id);
        if let Err(error) = &done {
            ledger.note(Event::Failed, who, &format!("{subject}: {error}"))?;
        }
        done
    }
}
