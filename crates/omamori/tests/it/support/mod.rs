//! What the tests stand on: an application of their own on either engine, shops, customers.

pub mod answer;
pub mod app;
pub mod customer;
pub mod fold;
pub mod place;
pub mod rng;
pub mod shop;

use std::future::Future;

/// Runs each test on both engines, each time on an application of its own, and checks its books
/// when the test is done.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let place = $crate::support::place::Place::sqlite();
                let mut app = $crate::support::app::TestApp::start(place).await;
                super::$name(&mut app).await;
                app.finish().await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let place = $crate::support::place::Place::postgres().await;
                let mut app = $crate::support::app::TestApp::start(place).await;
                super::$name(&mut app).await;
                app.finish().await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// Starts all, each on a task of its own, and gives the answers in their order.
pub async fn at_once<F>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let tasks: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}
