//! The back office of the drill's merchant, and its paydays.

use std::sync::Arc;

use omamori_drill::scenario::{Office, Payday};
use omamori_zengin::{File, LineEnd};

use crate::app::App;
use crate::audit::Actor;
use crate::merchant::invite;
use crate::settlement::{SenderSettings, payout, run};
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

/// The operator's own account.
pub(super) fn sender() -> SenderSettings {
    SenderSettings {
        code: 1_234_567_890,
        name: "オマモリペイ".to_owned(),
        bank: "0005".to_owned(),
        bank_name: String::new(),
        branch: "001".to_owned(),
        branch_name: String::new(),
        is_current: true,
        number: "7654321".to_owned(),
    }
}

/// Invites its owner; settles and pays.
pub(super) fn office(app: &Arc<App>, merchant_id: &str) -> Office {
    let (inviting, paying) = (Arc::downgrade(app), Arc::downgrade(app));
    let merchant_id = merchant_id.to_owned();
    Office {
        owner: Box::new(move || {
            let (app, merchant_id) = (inviting.clone(), merchant_id.clone());
            Box::pin(async move { invite(&*app.upgrade()?, &merchant_id, "店主").await.ok() })
        }),
        payday: Box::new(move || {
            let app = paying.clone();
            Box::pin(async move { payday(&*app.upgrade()?).await.ok() })
        }),
    }
}

async fn payday(app: &App) -> Result<Payday> {
    let today = japan(app.clock.now()).date();
    let yesterday = today.yesterday().map_err(|error| Error::Fault(Box::new(error)))?;
    run::settle(app, yesterday).await?;
    let actor = Actor::machine();
    let made = payout::make_file(app, &actor, today, "drill").await?;
    let waiting = made.waiting.len();
    let Some(file) = made.file else { return Ok(Payday { waiting, ..Payday::default() }) };
    let bytes = payout::contents(app, &actor, &file.file_id).await?;
    let read = File::read(&bytes, LineEnd::CrLf).map_err(|error| Error::Fault(Box::new(error)))?;
    let paid = read.transfers.iter().map(|transfer| {
        let yen = i64::try_from(transfer.amount).unwrap_or(i64::MAX);
        (transfer.account.number.to_string(), yen)
    });
    Ok(Payday { paid: paid.collect(), waiting })
}
