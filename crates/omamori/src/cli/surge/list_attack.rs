//! What a list attack takes from the sales: the same sales with and without it, in turn, on one
//! server. Honest customers sign in all the while, so that the attack is the only difference.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use omamori_drill::load::{self, Pace, Plan, Report, Source};
use omamori_drill::sale::{Sales, Settings};
use omamori_drill::signin::{Answers, Disguise, ListAttack, Member, Place, SignIns};

use super::SurgeError;
use super::child::Server;
use super::sales::{SEED, WARM_UP};
use super::table::{grouped, quotient, short};
use super::world::World;
use crate::clock::{Clock, SECOND};

const SALES_CONNECTIONS: usize = 64;
const ATTACK_CONNECTIONS: usize = 64;
const SIGNIN_CONNECTIONS: usize = 8;
const ATTEMPTS_PER_SECOND: u32 = 1_000;
const SIGNINS_PER_SECOND: u32 = 5;
/// A sign-in takes three requests at most.
const REQUESTS_OF_A_SIGNIN: u32 = 3;
/// Every attack between two runs without one, which it is compared with.
const STEPS: [Option<Disguise>; 5] =
    [None, Some(Disguise::OneTool), None, Some(Disguise::None), None];

/// How many members are needed: each signs in once, for a code of the app works once.
pub(super) fn members(seconds: u32) -> u32 {
    members_of_a_step(Duration::from_secs(seconds.into())) * STEPS.len() as u32
}

fn members_of_a_step(duration: Duration) -> u32 {
    let seconds = (duration + WARM_UP).as_secs() + 1;
    u32::try_from(seconds).unwrap_or(u32::MAX).saturating_mul(SIGNINS_PER_SECOND)
}

/// One run.
pub(super) struct Step {
    disguise: Option<Disguise>,
    sales: Report,
    attempts: u64,
    answers: Answers,
    intruders: u64,
    signins: SignIns,
}

pub(super) async fn measure(
    folder: &Path,
    world: &Arc<World>,
    clock: &Arc<dyn Clock>,
    duration: Duration,
) -> Result<Vec<Step>, SurgeError> {
    let settings = Settings { run: "", seed: SEED, unix_seconds: seconds_of(clock) };
    let mut sales = Sales::new(world.cast(), settings);
    let members: Vec<Member> = (0..world.members).map(|number| world.member(number)).collect();
    let of_a_step = members_of_a_step(duration) as usize;
    let server = Server::start(folder, &[]).await?;
    let mut steps = Vec::new();
    for (number, disguise) in STEPS.into_iter().enumerate() {
        let signing_in = members.chunks(of_a_step).nth(number).unwrap_or_default().to_vec();
        sales.restart(&format!("run-{number}"));
        let run = Run { server: &server, clock, duration, disguise };
        let step;
        (step, sales) = run.step(sales, &members, signing_in).await?;
        steps.push(step);
    }
    Ok(steps)
}

fn seconds_of(clock: &Arc<dyn Clock>) -> Box<dyn Fn() -> u64 + Send> {
    let clock = clock.clone();
    Box::new(move || (clock.now() / SECOND).unsigned_abs())
}

struct Run<'a> {
    server: &'a Server,
    clock: &'a Arc<dyn Clock>,
    duration: Duration,
    disguise: Option<Disguise>,
}

impl Run<'_> {
    async fn step(
        &self,
        sales: Sales,
        members: &[Member],
        signing_in: Vec<Member>,
    ) -> Result<(Step, Sales), SurgeError> {
        let port = self.server.address.port();
        let begins_at = (self.clock.now() / SECOND).unsigned_abs();
        let place = Place { origin: format!("http://localhost:{port}"), begins_at };
        let seconds = u32::try_from((self.duration + WARM_UP).as_secs()).unwrap_or(u32::MAX);
        let attempts = (seconds.saturating_mul(ATTEMPTS_PER_SECOND), ATTEMPTS_PER_SECOND);
        let attack = self.disguise.map(|how| ListAttack::prepare(&place, how, members, attempts));
        let signins = SignIns::new(place, signing_in, seconds_of(self.clock));

        let (rate, of_signins) = (SIGNINS_PER_SECOND * REQUESTS_OF_A_SIGNIN, "sign-ins");
        let signins = self.run(of_signins, SIGNIN_CONNECTIONS, open(rate), signins);
        let selling = self.run(name(self.disguise), SALES_CONNECTIONS, Pace::Closed, sales);
        let attack = async {
            let Some(attack) = attack else { return Ok(None) };
            let pace = open(ATTEMPTS_PER_SECOND);
            self.run("attempts", ATTACK_CONNECTIONS, pace, attack).await.map(Some)
        };
        let (selling, signins, attack) = tokio::join!(selling, signins, attack);
        let ((sold, sales), (_, signins)) = (selling?, signins?);
        let (attempted, attack) = attack?.unzip();
        let attack = attack.map(|ListAttack { answers, entered, .. }| (answers, entered));
        let (answers, intruders) = attack.unwrap_or_default();
        let attempts = attempted.map_or(0, |report| report.sent);
        let disguise = self.disguise;
        Ok((Step { disguise, sales: sold, attempts, answers, intruders, signins }, sales))
    }

    /// Runs one source on a thread of its own.
    async fn run<S: Source + Send + 'static>(
        &self,
        label: &str,
        connections: usize,
        pace: Pace,
        source: S,
    ) -> Result<(Report, S), SurgeError> {
        let (warm_up, duration) = (WARM_UP, self.duration);
        let plan = Plan { label: label.to_owned(), connections, pace, warm_up, duration };
        let address = self.server.address;
        match tokio::task::spawn_blocking(move || load::run(address, &plan, source)).await {
            Ok(outcome) => Ok(outcome?),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

const fn open(per_second: u32) -> Pace {
    Pace::Open { per_second }
}

const fn name(disguise: Option<Disguise>) -> &'static str {
    match disguise {
        None => "no attack",
        Some(Disguise::OneTool) => "one tool, 2,000 machines in 100 networks",
        Some(Disguise::None) => "no two attempts alike",
    }
}

/// The figures as Markdown.
pub(super) fn table(steps: &[Step]) -> String {
    let mut text = format!(
        "### Sales during a list attack of {} attempts a second\n\n\
         One leaked pair in 50 is right. {SIGNINS_PER_SECOND} customers a second sign in \
         meanwhile. The ratio is to the mean of the runs before and after.\n\n\
         | attack | sales/s | ratio | p50 | p99 | wrong sales | attempts | entered \
         | customers in | of | after work |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        grouped(ATTEMPTS_PER_SECOND.into()),
    );
    for (number, step) in steps.iter().enumerate() {
        let around = |place: usize| steps.get(place).map_or(0, |step| step.sales.per_second());
        let ratio = step.disguise.map(|_| {
            let without = around(number - 1) + around(number + 1);
            quotient(2 * step.sales.per_second(), without)
        });
        let SignIns { entered, worked, refused, .. } = &step.signins;
        let asked = entered + refused.values().sum::<u64>();
        let cells = [
            name(step.disguise).to_owned(),
            grouped(step.sales.per_second()),
            ratio.unwrap_or_default(),
            short(step.sales.percentile(50)),
            short(step.sales.percentile(99)),
            grouped(step.sales.wrong_total()),
            grouped(step.attempts),
            grouped(step.intruders),
            grouped(*entered),
            grouped(asked),
            grouped(*worked),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push('\n');
    for step in steps {
        let sales = step.sales.wrong.iter().map(|answer| ("a sale", answer));
        let attempts = step.answers.iter().map(|answer| ("attempts", answer));
        let signins = step.signins.refused.iter().map(|answer| ("a customer", answer));
        for (whose, (answer, times)) in attempts.chain(sales).chain(signins) {
            let _ = writeln!(
                text,
                "- {}, {whose}: {} × {answer}",
                name(step.disguise),
                grouped(*times)
            );
        }
    }
    text
}
