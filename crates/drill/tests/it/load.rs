use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use omamori_drill::load::{self, Answer, LoadError, Pace, Plan, Report, Request, Source};

use crate::server;

/// Asks for `/0`, `/1` … and expects the number as the answer.
struct Counting {
    next: u64,
    end: u64,
    judged: u64,
}

impl Counting {
    fn up_to(end: u64) -> Self {
        Self { next: 0, end, judged: 0 }
    }
}

impl Source for Counting {
    type Ticket = u64;

    fn next(&mut self) -> Option<(Request, u64)> {
        let number = self.next;
        self.next += 1;
        let path = format!("/{number}");
        let request = Request { method: "GET", path, headers: Vec::new(), body: Vec::new() };
        (number < self.end).then_some((request, number))
    }

    fn judge(&mut self, number: u64, answer: &Answer<'_>) -> Result<(), String> {
        self.judged += 1;
        match answer.status {
            200 if answer.body == number.to_string().as_bytes() => Ok(()),
            200 => Err("the answer to another request".to_owned()),
            status => Err(status.to_string()),
        }
    }
}

fn plan(connections: usize, pace: Pace, duration: Duration) -> Plan {
    Plan { label: String::new(), connections, pace, warm_up: Duration::ZERO, duration }
}

fn run(router: Router, plan: &Plan, source: Counting) -> (Report, Counting) {
    load::run(server::start(router), plan, source).unwrap()
}

const LONG: Duration = Duration::from_secs(600);

#[test]
fn every_request_is_answered_and_counted_once() {
    let seen = Arc::new(AtomicU64::new(0));
    let counter = seen.clone();
    let answer = move |Path(number): Path<String>| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { number }
    };
    let router = Router::new().route("/{number}", get(answer));
    let (report, source) = run(router, &plan(7, Pace::Closed, LONG), Counting::up_to(1_000));
    assert_eq!((report.right, report.wrong_total(), source.judged), (1_000, 0, 1_000));
    assert_eq!(seen.load(Ordering::SeqCst), 1_000);
    assert!(report.exhausted);
    assert!(report.max() >= report.percentile(50) && report.percentile(50) > Duration::ZERO);
}

#[test]
fn wrong_answers_are_counted_by_name_and_the_connection_is_kept() {
    let answer = |Path(number): Path<u64>| async move {
        match number % 4 {
            0 => (StatusCode::SERVICE_UNAVAILABLE, "busy".to_owned()),
            1 => (StatusCode::OK, "something else".to_owned()),
            _ => (StatusCode::OK, number.to_string()),
        }
    };
    let router = Router::new().route("/{number}", get(answer));
    let (report, _) = run(router, &plan(2, Pace::Closed, LONG), Counting::up_to(100));
    assert_eq!((report.right, report.wrong_total()), (50, 50));
    assert_eq!(report.wrong["503"], 25);
    assert_eq!(report.wrong["the answer to another request"], 25);
}

#[test]
fn a_server_that_closes_each_connection_is_asked_on_new_ones() {
    let answer = |Path(number): Path<String>| async { ([("connection", "close")], number) };
    let router = Router::new().route("/{number}", get(answer));
    let (report, _) = run(router, &plan(3, Pace::Closed, LONG), Counting::up_to(60));
    assert_eq!((report.right, report.wrong_total()), (60, 0));
}

#[test]
fn an_answer_of_many_reads_is_put_together() {
    let body = |number: u64| number.to_string().repeat(40_000);
    let answer = move |Path(number): Path<u64>| async move { body(number) };
    let router = Router::new().route("/{number}", get(answer));

    struct Long(Counting);
    impl Source for Long {
        type Ticket = u64;
        fn next(&mut self) -> Option<(Request, u64)> {
            self.0.next()
        }
        fn judge(&mut self, number: u64, answer: &Answer<'_>) -> Result<(), String> {
            let expected = number.to_string().repeat(40_000);
            if answer.body == expected.as_bytes() { Ok(()) } else { Err("torn".to_owned()) }
        }
    }
    let address = server::start(router);
    let source = Long(Counting::up_to(20));
    let (report, _) = load::run(address, &plan(2, Pace::Closed, LONG), source).unwrap();
    assert_eq!((report.right, report.wrong_total()), (20, 0));
}

#[test]
fn an_open_loop_asks_as_often_as_its_rate_says() {
    let router = Router::new().route("/{number}", get(|Path(n): Path<String>| async { n }));
    let pace = Pace::Open { per_second: 400 };
    let plan = plan(4, pace, Duration::from_millis(500));
    let (report, source) = run(router, &plan, Counting::up_to(u64::MAX));
    assert_eq!((report.right, report.wrong_total(), source.judged), (200, 0, 200));
    assert!(!report.exhausted);
}

/// With a closed loop, or with times counted from when a request was sent, a server that stalls
/// once would show one slow request. All those who came meanwhile waited too.
#[test]
fn an_open_loop_charges_a_stall_to_everyone_who_came_meanwhile() {
    let stall = Duration::from_millis(300);
    let answer = move |Path(number): Path<u64>| async move {
        if number == 0 {
            tokio::time::sleep(stall).await;
        }
        number.to_string()
    };
    let router = Router::new().route("/{number}", get(answer));
    let plan = plan(1, Pace::Open { per_second: 1_000 }, Duration::from_millis(200));
    let (report, _) = run(router, &plan, Counting::up_to(u64::MAX));
    assert_eq!((report.right, report.wrong_total()), (200, 0));
    assert!(report.percentile(1) >= Duration::from_millis(90), "the last came 100 ms before");
    assert!(report.max() >= stall);
}

#[test]
fn a_server_that_hangs_up_is_named_in_the_report() {
    let (tell, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        tell.send(listener.local_addr().unwrap()).unwrap();
        listener.incoming().for_each(drop);
    });
    let plan = plan(1, Pace::Closed, LONG);
    let (report, _) = load::run(address.recv().unwrap(), &plan, Counting::up_to(10)).unwrap();
    assert_eq!((report.right, report.wrong_total()), (0, 10));
    assert!(report.wrong.keys().all(|name| name.starts_with("connection: ")), "{report:?}");
}

#[test]
fn nobody_listening_is_an_error() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let result = load::run(free, &plan(1, Pace::Closed, LONG), Counting::up_to(1));
    assert!(matches!(result, Err(LoadError::Connect(address, _)) if address == free));
}
