//! `/console`: the first page at a desk. It asks for itself again every five seconds.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::figures::{Counts, Picture};
use super::plot::{Plot, plot};
use crate::app::App;
use crate::clock::{DAY, Micros};
use crate::console::access::Viewer;
use crate::console::frame::Frame;
use crate::identity::desk::{Wave, waves};
use crate::web::error::Result;
use crate::web::filters::{self, yen_text};
use crate::web::page::page;
use crate::web::text::Text;

struct Decline {
    act: String,
    reason: String,
    count: i64,
}

#[derive(Template)]
#[template(path = "console_dashboard.html")]
struct DashboardPage {
    text: Text,
    sandbox: bool,
    frame: Frame,
    hour: Counts,
    day: Counts,
    since: Micros,
    plots: Vec<Plot>,
    day_plots: Vec<Plot>,
    declines: Vec<Decline>,
    waves: Vec<Wave>,
    now: Micros,
}

/// `GET /console`
pub(in crate::console) async fn show(
    State(app): State<Arc<App>>,
    Viewer(staff): Viewer,
    text: Text,
) -> Result<Response> {
    let picture = app.console.figures.look(&app).await?;
    let now = app.clock.now();
    let decline = |(act, reason, count): &(String, String, i64)| Decline {
        act: text.named("act.", act),
        reason: text.named("reason.", reason),
        count: *count,
    };
    page(&DashboardPage {
        frame: Frame::new(&app, &staff, "dashboard").await?,
        hour: picture.last_hour(),
        day: picture.last_day(),
        since: picture.since,
        plots: plots(&picture),
        day_plots: day_plots(&picture),
        declines: picture.declines.iter().map(decline).collect(),
        waves: waves(&app.stores.registry, now - DAY).await?,
        sandbox: app.sandbox(),
        text,
        now,
    })
}

fn plots(picture: &Picture) -> Vec<Plot> {
    let count = |n: i64| n.to_string();
    let minutes = &picture.minutes;
    vec![
        plot("console.sales_yen", minutes, |c| c.sales_yen, yen_text),
        plot("console.sales", minutes, |c| c.sales, count),
        plot("console.topups", minutes, |c| c.topups, count),
        plot("console.signins", minutes, |c| c.signins, count),
        plot("console.signins_failed", minutes, |c| c.signins_failed, count),
        plot("console.refused", minutes, |c| c.refused, count),
    ]
}

fn day_plots(picture: &Picture) -> Vec<Plot> {
    let count = |n: i64| n.to_string();
    vec![
        plot("console.sales_yen", &picture.hours, |c| c.sales_yen, yen_text),
        plot("console.signups", &picture.hours, |c| c.signups, count),
        plot("console.signins_failed", &picture.hours, |c| c.signins_failed, count),
    ]
}
