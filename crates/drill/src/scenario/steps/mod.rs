//! The steps that scenarios are made of.

mod account;
mod audit;
mod cards;
mod codes;
mod coupons;
mod desk;
mod incident;
mod insider;
mod merchants;
mod money;
mod office;
mod orders;
mod races;
mod refunds;
mod sends;
mod session;
mod signin;
mod texts;
mod wire;

use std::pin::Pin;

use super::file::Params;
use super::world::World;
use crate::player::Failure;

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// A step that scenarios may name.
pub(crate) struct Program {
    name: &'static str,
    /// The parameters that it takes.
    pub(crate) takes: &'static [&'static str],
    pub(crate) run: for<'a> fn(&'a mut World<'_>, Params<'a>) -> Running<'a>,
}

macro_rules! programs {
    ($($module:ident :: $name:ident ( $($takes:literal),* );)+) => {
        /// Every step there is.
        const ALL: &[Program] = &[$(Program {
            name: stringify!($name),
            takes: &[$($takes),*],
            run: |world, params| Box::pin($module::$name(world, params)),
        },)+];
    };
}

programs! {
    account::guess_recovery_codes("tries");
    account::move_with_password("totp");
    account::reset_elsewhere("field", "value");
    account::sign_up_with_stolen_number();
    audit::tamper_with_audit("how");
    account::skip_terms();
    account::tell_numbers_apart();
    account::pump_messages("numbers", "at_most", "forwarded");
    cards::charge_back("amount");
    cards::forge_gateway_events("times");
    cards::answer_gateway_again("amount", "times");
    cards::test_cards("cards", "at_most");
    cards::top_up_strangers_card("times", "amount");
    cards::top_up_with_anothers_card("amount");
    codes::guess_codes("tries", "amount");
    codes::present_code_of_other_time("seconds", "amount");
    codes::replay_in_two_stores("amount", "copies");
    codes::replay_used_code("amount");
    coupons::farm_coupon("times");
    coupons::race_coupon("at_once");
    coupons::sign_up_again();
    desk::forge_staff_posts();
    desk::replay_approval();
    incident::be_made_whole_twice("amount");
    incident::split_and_collect("amount", "at_most", "goods");
    insider::approve_own_request();
    insider::export_customers("reads");
    insider::open_the_desk_from_outside();
    merchants::forge_cash();
    merchants::reach_into_other_merchant("amount");
    merchants::use_revoked_key();
    money::change_amount_of_retry("amount");
    money::odd_amounts();
    money::trick_numbers();
    money::race_balance("at_once", "amount");
    money::race_limits("at_once", "amount");
    money::spend_canceled_cash("amount");
    money::late_sale_after_cancel("amount");
    money::pay_from_stopped_account("amount");
    office::swap_payout_account("amount");
    orders::change_amount_of_order("amount");
    orders::swap_sticker("amount");
    races::dodge_own_limit("limit", "amount");
    races::race_into_mule("amount");
    races::race_refunds("amount", "at_once");
    refunds::clerk_refunds("amount", "times");
    refunds::refund_elsewhere("amount");
    refunds::refund_too_much("amount", "at_once");
    sends::collect_as_mule("amount");
    sends::guess_friend_codes("tries");
    sends::guess_passcodes("tries", "amount");
    sends::send_without_finger("amount");
    sends::take_at_once("at_once", "amount");
    session::mix_cookie_and_phone();
    session::replay_proof();
    session::skew_clock();
    session::steal_session();
    session::toss_cookies();
    session::weaken_proof();
    session::without_proof();
    signin::crack_password("tries", "phone");
    signin::forge_external("times");
    signin::relay_passkey("origin");
    signin::replay_totp();
    signin::try_closed_door();
    signin::try_pairs("pairs", "right_every");
    signin::wait_for_alert();
    texts::inject_into_headers();
    texts::inject_sql();
    texts::spoof_texts();
    texts::store_script();
    texts::read_others_papers();
    texts::walk_paths();
    wire::hold_connections("connections");
    wire::never_read("connections");
    wire::send_huge_bodies();
    wire::smuggle_requests();
}

/// The step of a name.
pub(crate) fn find(name: &str) -> Option<&'static Program> {
    ALL.iter().find(|program| program.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::all;
    use super::ALL;

    #[test]
    fn every_step_is_in_a_scenario() {
        let used: BTreeSet<_> =
            all().unwrap().into_iter().flat_map(|file| file.steps).map(|step| step.act).collect();
        for program in ALL {
            assert!(used.contains(program.name), "no scenario has {}", program.name);
        }
    }
}
