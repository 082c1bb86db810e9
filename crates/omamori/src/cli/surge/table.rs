//! The figures as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use omamori_drill::load::Report;

use super::postgres::Way;
use super::prepare::Prepared;
use super::sales::{Measured, Step};
use super::world::World;

pub(super) fn heading(world: &World, seconds: u32) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "## Surge\n\n{} customers, {} stores, skewed; {seconds} s a step; {cores} cores, shared \
         by the server and the load generator.\n\n",
        grouped(world.customers.into()),
        grouped(world.stores.into()),
    )
}

/// The table of the HTTP runs.
pub(super) fn sales(measured: &Measured) -> String {
    let mut text = format!(
        "### Sales over HTTP, embedded store, durable before each answer\n\n\
         The server started with all accounts in {}. Memory and processor time are the \
         server's.\n\n\
         | run | sales/s | ratio | p50 | p99 | max | wrong | memory | processor a sale \
         | views behind, caught up in |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        short(measured.started_in)
    );
    let baseline = measured.steps.iter().find(|step| step.is_baseline);
    for step in &measured.steps {
        let over = baseline.filter(|_| step.name.contains("256")).map(|step| &step.report);
        let _ = writeln!(text, "{}", sales_row(step, over));
    }
    text += "\nThe ratio is to the same server with a journal that keeps nothing.\n\n";
    text += wrong(measured.steps.iter().map(|step| (step.name.as_str(), &step.report))).as_str();
    text
}

fn sales_row(step: &Step, baseline: Option<&Report>) -> String {
    let report = &step.report;
    let ratio = baseline.map(|baseline| quotient(report.per_second(), baseline.per_second()));
    let memory = step.memory_bytes.map(|bytes| format!("{} MiB", grouped(bytes >> 20)));
    let processor = step.processor_micros.map(|micros| format!("{micros} µs"));
    let lag = step.lag.map(|lag| format!("{}, {}", short(lag.behind), short(lag.caught_up_in)));
    let cells = [
        step.name.clone(),
        grouped(report.per_second()),
        ratio.unwrap_or_default(),
        short(report.percentile(50)),
        short(report.percentile(99)),
        short(report.max()),
        grouped(report.wrong_total()),
        memory.unwrap_or_default(),
        processor.unwrap_or_default(),
        lag.unwrap_or_default(),
    ];
    format!("| {} |", cells.join(" | "))
}

/// The table of the ways on PostgreSQL; the first is what ratios are taken to.
pub(super) fn payments(ways: &[Way; 2]) -> String {
    let mut text = "### Payments on PostgreSQL, without HTTP\n\n\
                    | way | every store, payments/s | ratio | p50 | p99 \
                    | one hot store, payments/s | ratio | p50 | p99 |\n\
                    |---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    let plain = &ways[0];
    for way in ways {
        let cells = |report: &Report, plain: &Report| {
            format!(
                "{} | {} | {} | {}",
                grouped(report.per_second()),
                quotient(report.per_second(), plain.per_second()),
                short(report.percentile(50)),
                short(report.percentile(99)),
            )
        };
        let every_store = cells(&way.every_store, &plain.every_store);
        let one_store = cells(&way.one_store, &plain.one_store);
        let _ = writeln!(text, "| {} | {every_store} | {one_store} |", way.name);
    }
    text.push('\n');
    let reports = ways.iter().flat_map(|way| {
        [(way.name.as_str(), &way.every_store), (way.name.as_str(), &way.one_store)]
    });
    text + wrong(reports).as_str()
}

pub(super) fn preparation(prepared: &Prepared) -> String {
    format!(
        "Filled in {} (registry) + {} (ledger, durable) + {} (views).\n",
        short(prepared.registry),
        short(prepared.ledger),
        short(prepared.views),
    )
}

/// What was not right, by name; empty if all was.
fn wrong<'a>(reports: impl Iterator<Item = (&'a str, &'a Report)>) -> String {
    let mut text = String::new();
    for (name, report) in reports {
        for (what, times) in &report.wrong {
            let _ = writeln!(text, "- {name}: {} × {what}", grouped(*times));
        }
        if report.exhausted {
            let _ = writeln!(text, "- {name}: ended early, every customer had used up their codes");
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Two digits after the point.
pub(super) fn quotient(a: u64, b: u64) -> String {
    match (u128::from(a) * 100).checked_div(b.into()) {
        Some(hundredths) => format!("{}.{:02}", hundredths / 100, hundredths % 100),
        None => "–".to_owned(),
    }
}

/// `123 µs`, `4.56 ms`, `7.8 s`.
pub(super) fn short(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_to_be_read() {
        assert_eq!(
            [0, 12, 999, 1_000, 1_234_567].map(grouped),
            ["0", "12", "999", "1,000", "1,234,567"]
        );
        assert_eq!(quotient(3, 2), "1.50");
        assert_eq!(quotient(1, 3), "0.33");
        assert_eq!(quotient(7, 0), "–");
        assert_eq!(short(Duration::from_micros(999)), "999 µs");
        assert_eq!(short(Duration::from_micros(4_567)), "4.56 ms");
        assert_eq!(short(Duration::from_millis(61_234)), "61.2 s");
    }
}
