//! Fraud among the ordinary days, of the kinds that a shop sees, and beside each kind somebody who
//! looks like it and is honest: for trying what rules find and whom they bother. Each has a cast of
//! its own beside the month's customers, who live ordinarily until it happens, so that nobody
//! else's month changes.

use super::habits::{DAY, instant};
use super::script::Act;
use super::writer::{HOUR, MINUTE, Person, Writer};

/// Of each kind, one case for so many customers.
const CUSTOMERS_PER_CASE: usize = 400;
/// Accounts that one coupon farmer makes, and people who send to one mule.
const FARM: usize = 12;
const SENDERS: usize = 8;
/// Pairs of a leaked list.
const PAIRS: usize = 120;

impl Writer<'_> {
    /// Adds every kind.
    pub(super) fn fraud(&mut self) {
        for _ in 0..self.scale.customers.div_ceil(CUSTOMERS_PER_CASE) {
            self.stolen_phone();
            self.card_testing();
            self.refunds_of_a_clerk();
            self.coupon_farm();
            self.mule();
        }
        self.list_attack();
        for _ in 0..self.scale.customers.div_ceil(CUSTOMERS_PER_CASE) {
            self.dinner();
            self.shopping_with_a_card();
            self.family();
            self.returns();
        }
    }

    /// Somebody who signs up in the first third and buys now and then until the last third.
    fn bystander(&mut self, network: Option<usize>) -> (usize, u64) {
        let length = self.until - self.from;
        let at = instant(&mut self.random, self.from, self.from + length / 3);
        let customer = self.newcomer(at, network);
        let to = (self.from + 2 * length / 3).max(at + HOUR);
        let mut visits: Vec<_> = (0..6).map(|_| self.soon(at + 10 * MINUTE, to)).collect();
        visits.sort_unstable();
        for visit_at in visits {
            self.visit(visit_at, customer);
        }
        let last_third = self.from + 2 * length / 3 + HOUR;
        (customer, self.soon(last_third, self.until - 8 * HOUR))
    }

    /// A new person, who has signed up at an instant.
    fn newcomer(&mut self, at: u64, network: Option<usize>) -> usize {
        let customer = self.people.len();
        let mut person = Person::new(at, self.random.below(self.stores));
        person.network = network;
        self.people.push(person);
        self.event(at, customer, Act::SignUp);
        customer
    }

    /// A phone and its screen lock are stolen: at once the card is charged as far as it goes, and
    /// cartons of the dearest thing are carried out of another store.
    fn stolen_phone(&mut self) {
        let (customer, at) = self.bystander(None);
        let card_at = at - 2 * HOUR;
        self.event(card_at, customer, Act::RegisterCard { asks: false });
        self.event(card_at + 90, customer, Act::LookAtCard);
        self.label = Some("stolen_account");
        let store = (self.people[customer].home + 1) % self.stores;
        let dearest = self.dearest();
        for round in 0..3 {
            let at = at + round * 6 * MINUTE;
            let number = self.next_top_up();
            self.event(at, customer, Act::TopUpByCard { number, amount: 10_000 });
            self.event(at + 90, customer, Act::LookAtTopUp { number });
            let pieces = 9_500 / self.shelf[dearest].unit_price.max(1);
            let sale = self.sale(store, vec![(dearest, pieces.max(1))], None);
            self.event(at + 3 * MINUTE, customer, Act::Buy(sale));
        }
        self.label = None;
    }

    /// Numbers of stolen cards are tried in one account until one works.
    fn card_testing(&mut self) {
        let at = instant(&mut self.random, self.from + DAY / 2, self.until - 8 * HOUR);
        let customer = self.newcomer(at, None);
        self.label = Some("card_testing");
        for attempt in 0..5 {
            let number = ["4000000000000002", "4000000000000341"][attempt % 2];
            self.event(at + (1 + attempt as u64) * 3 * MINUTE, customer, Act::TryCard { number });
        }
        self.label = None;
    }

    /// A clerk rings up what a friend carries out, and gives it back when the friend is gone.
    fn refunds_of_a_clerk(&mut self) {
        let (customer, begins_at) = self.bystander(None);
        let store = self.people[customer].home;
        self.label = Some("refund_abuse");
        for round in 0..6 {
            let at = begins_at + round * 45 * MINUTE;
            let lines = vec![(self.dearest(), 2)];
            let amount = self.price(&lines);
            self.provide(at, customer, store, amount);
            self.people[customer].low -= amount;
            let sale = self.sale(store, lines, None);
            let number = sale.number;
            self.event(at, customer, Act::Buy(sale));
            let (refund, at) = (self.next_refund(), at + 4 * MINUTE);
            let act = Act::Refund { number: refund, sale: number, store, amount };
            self.event(at, customer, act);
        }
        self.label = None;
    }

    /// One person signs up again and again for the free thing.
    fn coupon_farm(&mut self) {
        let at = instant(&mut self.random, self.from, self.until - 8 * HOUR);
        let network = self.people.len();
        self.label = Some("coupon_farming");
        for round in 0..FARM as u64 {
            let at = at + round * 7 * MINUTE;
            let customer = self.newcomer(at, Some(network));
            self.event(at + MINUTE, customer, Act::SetCoupons);
            self.provide(at + 5 * MINUTE, customer, 0, self.shelf[0].unit_price);
            let sale = self.sale(0, vec![(0, 1)], None);
            self.event(at + 5 * MINUTE, customer, Act::Buy(sale));
        }
        self.label = None;
    }

    /// Many who were talked into it send to one, who spends it all at once.
    fn mule(&mut self) {
        let (mule, at) = self.bystander(None);
        let senders: Vec<_> = (0..SENDERS).map(|_| self.bystander(None).0).collect();
        self.label = Some("mule");
        for (round, sender) in senders.into_iter().enumerate() {
            let at = at + 20 * MINUTE * round as u64;
            let number = self.give(at, (sender, mule), 3_000);
            self.event(at + 5 * MINUTE, mule, Act::Take { number });
        }
        let dearest = self.dearest();
        for round in 0..2 {
            let pieces = (11_000 / self.shelf[dearest].unit_price.max(1)).max(1);
            let sale = self.sale(0, vec![(dearest, pieces)], None);
            let at = at + SENDERS as u64 * 20 * MINUTE + round * 10 * MINUTE;
            self.event(at + 10 * MINUTE, mule, Act::Buy(sale));
        }
        self.label = None;
    }

    /// Like a mule: seven colleagues send their share to one, who pays the dinner.
    fn dinner(&mut self) {
        let (organiser, at) = self.bystander(None);
        let guests: Vec<_> = (0..SENDERS - 1).map(|_| self.bystander(None).0).collect();
        for (round, guest) in guests.into_iter().enumerate() {
            let at = at + 10 * MINUTE * round as u64;
            let number = self.give(at, (guest, organiser), 3_000);
            self.event(at + 5 * MINUTE, organiser, Act::Take { number });
        }
        let dearest = self.dearest();
        let pieces = (20_000 / self.shelf[dearest].unit_price.max(1)).max(1);
        let sale = self.sale(0, vec![(dearest, pieces)], None);
        self.event(at + (SENDERS as u64 + 6) * 10 * MINUTE, organiser, Act::Buy(sale));
    }

    /// Like a thief with a stolen phone: a card is registered, charged, and most of it is spent
    /// within minutes; some hours later once more.
    fn shopping_with_a_card(&mut self) {
        let (customer, at) = self.bystander(None);
        let card_at = at - HOUR;
        self.event(card_at, customer, Act::RegisterCard { asks: false });
        self.event(card_at + 90, customer, Act::LookAtCard);
        let store = self.people[customer].home;
        let dearest = self.dearest();
        for at in [at, at + 3 * HOUR] {
            let number = self.next_top_up();
            self.event(at, customer, Act::TopUpByCard { number, amount: 10_000 });
            self.event(at + 90, customer, Act::LookAtTopUp { number });
            let pieces = 9_000 / self.shelf[dearest].unit_price.max(1);
            let sale = self.sale(store, vec![(dearest, pieces.max(1))], None);
            self.event(at + 5 * MINUTE, customer, Act::Buy(sale));
        }
    }

    /// Like a coupon farm: four of a family sign up one evening, and each takes the gift at once.
    fn family(&mut self) {
        let at = instant(&mut self.random, self.from, self.until - 8 * HOUR);
        let network = self.people.len();
        for round in 0..4 {
            let at = at + round * 7 * MINUTE;
            let customer = self.newcomer(at, Some(network));
            self.event(at + MINUTE, customer, Act::SetCoupons);
            self.provide(at + 5 * MINUTE, customer, 0, self.shelf[0].unit_price);
            let sale = self.sale(0, vec![(0, 1)], None);
            self.event(at + 5 * MINUTE, customer, Act::Buy(sale));
        }
    }

    /// Like a clerk's friend: two sales of one day are brought back, one of them in three parts.
    fn returns(&mut self) {
        let (customer, at) = self.bystander(None);
        let store = self.people[customer].home;
        let dearest = self.dearest();
        let price = self.shelf[dearest].unit_price;
        for (round, pieces) in [(0, 3), (1, 1)] {
            let at = at + round * 90 * MINUTE;
            let lines = vec![(dearest, pieces)];
            self.provide(at, customer, store, price * pieces);
            self.people[customer].low -= price * pieces;
            let sale = self.sale(store, lines, None);
            let number = sale.number;
            self.event(at, customer, Act::Buy(sale));
            for part in 1..=pieces.unsigned_abs() {
                let refund = self.next_refund();
                let act = Act::Refund { number: refund, sale: number, store, amount: price };
                self.event(at + part * 10 * MINUTE, customer, act);
            }
        }
    }

    /// Pairs of a leaked list are tried; nobody is entered, so nobody runs to a store.
    fn list_attack(&mut self) {
        let at = instant(&mut self.random, self.from + DAY / 2, self.until - 8 * HOUR);
        self.label = Some("list_attack");
        for pair in 0..PAIRS {
            self.event(at + pair as u64 * 15, pair % self.scale.customers, Act::TryPair { pair });
        }
        self.label = None;
    }
}
