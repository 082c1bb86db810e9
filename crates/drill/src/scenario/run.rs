//! Runs a scenario and draws the balance.

use std::time::Instant;

use super::file::{Loss, Params, Scenario};
use super::report::{Outcome, Verdict};
use super::stage::Stage;
use super::steps;
use super::world::{Whose, World, bothered};
use crate::player::Failure;

/// Customers have had their phones for so long when the attack begins: the bounds of a phone's
/// first day are not what stops it.
const AGE_SECONDS: u64 = 3 * 86_400;

/// Runs one.
///
/// # Errors
/// [`Failure`]: the service does not answer, or nobody could sign up: no outcome.
pub async fn run(stage: &Stage, scenario: &Scenario) -> Result<Outcome, Failure> {
    let mut world = World::new(stage, &scenario.cast).await?;
    (stage.pass)(AGE_SECONDS);
    stage.desk.begin();
    let began = Instant::now();
    for step in &scenario.steps {
        let Some(program) = steps::find(&step.act) else {
            return Err(Failure::NotUnderstood("a step"));
        };
        (program.run)(&mut world, Params(&step.with)).await?;
    }
    let seconds = began.elapsed().as_secs_f64();
    stage.desk.settle().await;
    let bothered = bothered(&mut world).await?;
    let (missing, gained) = balance(&mut world).await?;
    let is_baseline = world.burner().meets_baseline(&world.http).await?;
    let tally = world.tally;
    let customers = world.bystanders.len() + world.victims.len();
    let unclear: Vec<_> = tally
        .refused
        .keys()
        .filter(|word| !word.starts_with("customer: "))
        .filter(|word| !scenario.refusals.contains(*word) && !scenario.also.contains(*word))
        .cloned()
        .collect();
    let came = |word: &&String| tally.refused.contains_key(*word);
    let missed: Vec<_> = scenario.refusals.iter().filter(|word| !came(word)).cloned().collect();
    let counts = |loss| scenario.loss.contains(&loss);
    let lost = [(Loss::Victims, missing), (Loss::Gain, gained)];
    let lost = lost.into_iter().filter(|(loss, _)| counts(*loss)).map(|(_, yen)| yen.max(0)).max();
    let lost = lost.unwrap_or_default();
    let is_breached = counts(Loss::Breach) && !tally.breaches.is_empty();
    let verdict = match () {
        () if lost > 0 => Verdict::Lost,
        () if is_breached => Verdict::Breached,
        () if !unclear.is_empty() || tally.attempts == 0 => Verdict::Unclear,
        () if !missed.is_empty() => Verdict::Missed,
        () => Verdict::Held,
    };
    let seen = stage.desk.seen();
    Ok(Outcome {
        name: scenario.name.clone(),
        is_baseline,
        title_ja: scenario.title.ja.clone(),
        title_en: scenario.title.en.clone(),
        source: scenario.source.clone(),
        attempts: tally.attempts,
        entered: tally.entered.len(),
        yen_topped_up: tally.topped_up,
        yen_spent: tally.goods.max(0),
        yen_lost: lost,
        seconds,
        alert_seconds: seen.alert.map(|after| after.as_secs_f64()),
        door_seconds: seen.door.map(|after| after.as_secs_f64()),
        customers,
        bothered,
        refused: tally.refused,
        breaches: tally.breaches,
        missed,
        unclear,
        verdict,
    })
}

/// What victims miss, and what the attackers have that they did not pay in.
async fn balance(world: &mut World<'_>) -> Result<(i64, i64), Failure> {
    let mut missing = 0;
    for place in 0..world.victims.len() {
        let known = world.victims[place].yen;
        // A wallet that its owner cannot open any more misses all.
        let holds = match world.balance(Whose::Victim, place).await {
            Err(Failure::Refused { .. }) => 0,
            seen => seen?,
        };
        missing += (known - holds).max(0);
    }
    let mut held = 0;
    for place in 0..world.thieves.len() {
        held += world.balance(Whose::Thief, place).await?;
    }
    Ok((missing, held + world.tally.goods - world.tally.paid_in))
}
