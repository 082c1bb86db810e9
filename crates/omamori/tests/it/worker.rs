//! What works beside the requests goes on whatever happens to one look.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use omamori::web::codes::Code;
use omamori::web::error::Error;
use omamori::worker::Worker;
use tokio::sync::mpsc;

use crate::support::app::TestApp;
use crate::support::on_both_engines;

on_both_engines!(a_look_that_panics_or_fails_is_not_the_last);

/// Bug: an overflow in one look ends a worker for good, and nobody learns of it.
async fn a_look_that_panics_or_fails_is_not_the_last(app: &mut TestApp) {
    let looks = Arc::new(AtomicU64::new(0));
    let (tell, mut told) = mpsc::unbounded_channel();
    let every = Duration::from_millis(1);
    let worker = Worker::new("test").every(every, &app.app, "nothing was done", move |_, _| {
        let (look, tell) = (looks.fetch_add(1, Ordering::Relaxed), tell.clone());
        async move {
            match look {
                0 => panic!("the first look"),
                1 => Err(Error::fault("the second look")),
                2 => Err(Error::from(Code::Busy)),
                _ => Ok(tell.send(look).is_ok()),
            }
        }
    });
    assert_eq!(told.recv().await, Some(3));
    assert_eq!(told.recv().await, Some(4));
    worker.stop().await;
    while told.try_recv().is_ok() {}
    assert_eq!(told.recv().await, None, "no look after the stop");
}
