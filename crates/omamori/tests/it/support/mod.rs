//! What the tests stand on: an application of their own on either engine, shops, customers.

pub mod answer;
pub mod app;
pub mod confirm;
pub mod customer;
pub mod desk;
pub mod fold;
pub mod mmdb;
pub mod passkey;
pub mod place;
pub mod rng;
pub mod settings;
pub mod shop;
pub mod staff;

use std::future::Future;

/// One test on an application of its own, whose books are checked when the test is done.
macro_rules! on_engine {
    ($place:expr, $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let mut app = $crate::support::app::TestApp::start($place).await;
            super::$name(&mut app).await;
            app.finish().await;
        }
    };
}
pub(crate) use on_engine;

/// Runs each test on both engines.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $($crate::support::on_engine!($crate::support::place::Place::sqlite(), $name);)+
        }
        mod postgres {
            $($crate::support::on_engine!($crate::support::place::Place::postgres().await, $name);)+
        }
    };
}
pub(crate) use on_both_engines;

/// Runs tests of several nodes, which need a database that they share.
macro_rules! on_several_nodes {
    ($($name:ident),+ $(,)?) => {
        mod nodes {
            $($crate::support::on_engine!($crate::support::place::Place::postgres().await, $name);)+
        }
    };
}
pub(crate) use on_several_nodes;

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

/// Waits for what another task or node does on its own. It must come: there is no other outcome.
pub async fn wait_until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.unwrap();
}
