//! Writes the script: first what everybody wants and when, then, walking through it in time, what
//! that takes.

use super::habits::{DAY, happens, instant, part, weighted};
use super::script::{Act, Event, Product, Refused, Sale, Scale};
use crate::random::Random;

pub(super) const MINUTE: u64 = 60;
pub(super) const HOUR: u64 = 60 * MINUTE;
/// In so many percent of a percent of visits something goes wrong at first.
const TOO_LITTLE: usize = 80;
const OLD_CODE: usize = 60;
const USED_CODE: usize = 25;
/// Of what was bought, so many are canceled at once, or given back later.
const CANCELED: usize = 80;
const REFUNDED: usize = 150;
/// Of cash top-ups, so many were a slip of the clerk.
const SLIPPED: usize = 60;
/// Of sends, so many are never taken.
const FORGOTTEN: usize = 400;
/// Of customers: who registers a card, whose bank asks then, who pays with points, who turns them
/// into balance.
const WITH_CARD: usize = 2_200;
const ASKED_BY_BANK: usize = 2_000;
const WITH_POINTS: usize = 4_500;
const CONVERTING: usize = 600;
/// What a sale needs happens at most so long before it.
const BEFORE_A_SALE: u64 = 10 * MINUTE;
/// Whoever has a house of their own goes there.
const AT_HOME: usize = 8_000;

/// Coupons bring one customer at most so many yen: what the shop that is played may promise.
const COUPONS_YEN_MAX: i64 = 2_000;
/// Points bring at most one yen in so many.
const POINTS_PART: i64 = 20;
/// Whoever may have more than this tops up no more than needed: the largest balance is above it.
const HIGH_MAX: i64 = 70_000;
/// Cards are charged with less than the limit of a month.
const CARD_MAX: i64 = 90_000;
/// Whoever spent so much on the first day takes one small thing from then on, and sends nothing: a
/// new phone's limit is above it.
const FIRST_DAY_MAX: i64 = 6_000;
const TOP_UPS: [i64; 5] = [1_000, 2_000, 3_000, 5_000, 10_000];
const SENDS: [i64; 6] = [500, 1_000, 1_200, 1_500, 2_000, 3_000];

/// What somebody wants to do, before it is known what it takes.
enum Wish {
    SignUp,
    Buy,
    Send { to: usize, amount: i64 },
    Do(Act),
}

/// What the script knows of a customer.
pub(super) struct Person {
    signs_up_at: u64,
    /// How often they buy, against others.
    keen: usize,
    pub(super) home: usize,
    card_from: Option<u64>,
    card_yen: i64,
    /// Yen that they have at least, and at most.
    pub(super) low: i64,
    high: i64,
    /// What left the wallet on the first day, in yen: a new phone may not spend much.
    first_day_yen: i64,
    /// What they did last. What comes after it is known to come after it.
    busy_until: u64,
    /// In whose network they are, if not in one of their own.
    pub(super) network: Option<usize>,
}

impl Person {
    pub(super) const fn new(signs_up_at: u64, home: usize) -> Self {
        Self {
            signs_up_at,
            keen: 0,
            home,
            card_from: None,
            card_yen: 0,
            low: 0,
            high: COUPONS_YEN_MAX,
            first_day_yen: 0,
            busy_until: signs_up_at,
            network: None,
        }
    }
}

/// Three in five come through a carrier, whose address many share: the name of that network, beyond
/// all people's own. Not drawn, so that the month is as it was without.
const fn carrier(customer: usize) -> Option<usize> {
    const CARRIERS: usize = 12;
    if customer % 5 < 3 { Some(60_000 + customer / 5 % CARRIERS) } else { None }
}

/// How many of each there are so far: the numbers of the next ones.
#[derive(Default)]
struct Numbers {
    sales: usize,
    refunds: usize,
    top_ups: usize,
    sends: usize,
}

pub(super) struct Writer<'a> {
    pub(super) random: Random,
    pub(super) scale: Scale,
    pub(super) stores: usize,
    pub(super) shelf: &'a [Product],
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) people: Vec<Person>,
    /// What is written now is this kind of fraud.
    pub(super) label: Option<&'static str>,
    wishes: Vec<(u64, usize, Wish)>,
    events: Vec<Event>,
    numbers: Numbers,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        seed: u64,
        scale: Scale,
        (stores, shelf): (usize, &'a [Product]),
        until: u64,
    ) -> Self {
        assert!(stores > 0 && !shelf.is_empty() && scale.customers > 0, "nothing to play with");
        Self {
            random: Random::new(seed),
            scale,
            stores,
            shelf,
            from: until - scale.days * DAY,
            until,
            people: Vec::new(),
            label: None,
            wishes: Vec::new(),
            events: Vec::new(),
            numbers: Numbers::default(),
        }
    }

    /// All events, in no order, and the networks of all people.
    pub(super) fn write(mut self, with_fraud: bool) -> (Vec<Event>, Vec<Option<usize>>) {
        self.newcomers();
        self.visits();
        self.friends();
        let mut wishes = std::mem::take(&mut self.wishes);
        wishes.sort_by_key(|(at, ..)| *at);
        for (at, customer, wish) in wishes {
            match wish {
                Wish::SignUp => self.event(at, customer, Act::SignUp),
                Wish::Buy => self.visit(at, customer),
                Wish::Send { to, amount } => self.send(at, customer, to, amount),
                Wish::Do(act) => self.event(at, customer, act),
            }
        }
        if with_fraud {
            self.fraud();
        }
        (self.events, self.people.iter().map(|person| person.network).collect())
    }

    pub(super) fn event(&mut self, at: u64, customer: usize, act: Act) {
        self.events.push(Event { at, customer, act, label: self.label });
    }

    pub(super) const fn next_top_up(&mut self) -> usize {
        self.numbers.top_ups += 1;
        self.numbers.top_ups
    }

    pub(super) const fn next_refund(&mut self) -> usize {
        self.numbers.refunds += 1;
        self.numbers.refunds
    }

    /// The place on the shelf of what costs most.
    pub(super) fn dearest(&self) -> usize {
        let dearest = (0..self.shelf.len()).max_by_key(|place| self.shelf[*place].unit_price);
        dearest.unwrap_or_default()
    }

    fn happens(&mut self, in_ten_thousand: usize) -> bool {
        happens(&mut self.random, in_ten_thousand)
    }

    pub(super) fn soon(&mut self, from: u64, to: u64) -> u64 {
        from + self.random.below((to - from) as usize) as u64
    }

    /// People sign up: nearly half of them in the first sixth, when everybody speaks of it.
    fn newcomers(&mut self) {
        let length = self.until - self.from;
        let last = self.until - 2 * HOUR;
        let mut begins: Vec<_> = (0..self.scale.customers)
            .map(|_| {
                let early = self.happens(4_500);
                let to = if early { self.from + length / 6 } else { last };
                instant(&mut self.random, self.from, to)
            })
            .collect();
        begins.sort_unstable();
        for (customer, at) in begins.into_iter().enumerate() {
            let keen = [8, 4, 4, 4, 1, 1][self.random.below(6)];
            // The first store is the largest.
            let weights: Vec<_> = (0..self.stores).map(|store| 6 / (store + 1) + 1).collect();
            let home = weighted(&mut self.random, weights.into_iter());
            let network = carrier(customer);
            self.people.push(Person { keen, network, ..Person::new(at, home) });
            self.wishes.push((at, customer, Wish::SignUp));
            self.begins(at, customer);
        }
    }

    /// What a newcomer does in the first days.
    fn begins(&mut self, at: u64, customer: usize) {
        if self.happens(8_500) {
            let sets_at = at + 2 * MINUTE;
            self.wishes.push((sets_at, customer, Wish::Do(Act::SetCoupons)));
        }
        let settled = if self.scale.days > 3 { 25 * HOUR } else { 3 * HOUR };
        let later = |writer: &mut Self| writer.soon(at + settled, at + 3 * settled);
        if self.happens(WITH_CARD) {
            let (at, asks) = (later(self), self.happens(ASKED_BY_BANK));
            if at + HOUR < self.until {
                self.wishes.push((at, customer, Wish::Do(Act::RegisterCard { asks })));
                self.wishes.push((at + 90, customer, Wish::Do(Act::LookAtCard)));
                self.people[customer].card_from = Some(at + 15 * MINUTE);
            }
        }
        if self.happens(WITH_POINTS) {
            let at = later(self);
            if at < self.until {
                self.wishes.push((at, customer, Wish::Do(Act::UsePoints)));
            }
        }
        if self.happens(CONVERTING) && at + 2 * settled < self.until {
            let converts_at = self.soon(at + settled, self.until);
            self.wishes.push((converts_at, customer, Wish::Do(Act::ConvertPoints)));
        }
    }

    /// Everybody's first visit, and then the others, each at an hour at which people come, by
    /// somebody who has signed up by then.
    fn visits(&mut self) {
        let ends = self.until - 10 * MINUTE;
        let mut left = self.scale.sales;
        for customer in 0..self.people.len().min(left) {
            let at = self.people[customer].signs_up_at;
            let at = self.soon(at + 10 * MINUTE, at + 20 * MINUTE);
            self.wishes.push((at, customer, Wish::Buy));
            left -= 1;
        }
        let mut keen_before = Vec::with_capacity(self.people.len());
        let mut sum = 0;
        for person in &self.people {
            sum += person.keen;
            keen_before.push(sum);
        }
        while left > 0 {
            let at = instant(&mut self.random, self.from, ends);
            let drawn = self.random.below(sum);
            let customer = keen_before.partition_point(|before| *before <= drawn);
            if self.people[customer].signs_up_at + 30 * MINUTE < at {
                self.wishes.push((at, customer, Wish::Buy));
                left -= 1;
            }
        }
    }

    /// Two customers in five send something to somebody, sooner or later.
    fn friends(&mut self) {
        let people = self.people.len();
        if people < 2 {
            return;
        }
        let known_for = if self.scale.days > 3 { 25 * HOUR } else { HOUR };
        for _ in 0..people * 2 / 5 {
            let sender = self.random.below(people);
            let to = (sender + 1 + self.random.below(people - 1)) % people;
            let both = self.people[sender].signs_up_at.max(self.people[to].signs_up_at);
            if both + known_for + 2 * HOUR > self.until {
                continue;
            }
            let at = instant(&mut self.random, both + known_for, self.until - HOUR);
            let amount = SENDS[self.random.below(SENDS.len())];
            self.wishes.push((at, sender, Wish::Send { to, amount }));
        }
    }

    /// Somebody comes to a register.
    pub(super) fn visit(&mut self, at: u64, customer: usize) {
        let stray = !self.happens(AT_HOME);
        let home = self.people[customer].home;
        let store = if stray { self.random.below(self.stores) } else { home };
        let mut at = self.after_the_last(at, customer);
        let mut lines = self.basket(at);
        if self.is_much(at, customer, self.price(&lines)) {
            lines = vec![(self.cheapest(), 1)];
        }
        let amount = self.price(&lines);
        if self.happens(OLD_CODE) {
            let sale = self.sale(store, lines.clone(), Some(Refused::OldCode));
            self.event(at, customer, Act::Buy(sale));
            at += 20;
        }
        if self.happens(TOO_LITTLE) {
            at = self.too_little(at, customer, store);
        }
        self.provide(at, customer, store, amount);
        self.spends(at, customer, amount);
        let person = &mut self.people[customer];
        person.low -= amount;
        person.high -= amount - amount / POINTS_PART;
        let sale = self.sale(store, lines, None);
        let number = sale.number;
        let parts: Vec<i64> = sale.lines.iter().map(|line| self.price(&[*line])).collect();
        self.event(at, customer, Act::Buy(sale.clone()));
        if self.happens(USED_CODE) {
            let elsewhere = self.random.below(self.stores);
            let sale = self.sale(elsewhere, sale.lines, Some(Refused::UsedCode));
            self.event(at + 20, customer, Act::Buy(sale));
        } else if self.happens(CANCELED) {
            let canceled_at = self.soon(at + MINUTE, at + 3 * MINUTE);
            self.event(canceled_at, customer, Act::Cancel { sale: number, store, amount });
            self.people[customer].high += amount;
        } else if self.happens(REFUNDED) {
            self.give_back(at, customer, (number, store), &parts);
        }
    }

    /// Nobody does two things at one time: the books of a person are in the order of time.
    fn after_the_last(&self, at: u64, customer: usize) -> u64 {
        at.max(self.people[customer].busy_until + 5 * MINUTE).min(self.until - MINUTE)
    }

    fn is_first_day(&self, at: u64, customer: usize) -> bool {
        at < self.people[customer].signs_up_at + DAY + HOUR
    }

    fn is_much(&self, at: u64, customer: usize, amount: i64) -> bool {
        let so_far = self.people[customer].first_day_yen;
        self.is_first_day(at, customer) && so_far + amount > FIRST_DAY_MAX
    }

    fn spends(&mut self, at: u64, customer: usize, amount: i64) {
        let is_first_day = self.is_first_day(at, customer);
        let person = &mut self.people[customer];
        person.busy_until = person.busy_until.max(at);
        if is_first_day {
            person.first_day_yen += amount;
        }
    }

    fn cheapest(&self) -> usize {
        let cheapest = (0..self.shelf.len()).min_by_key(|place| self.shelf[*place].unit_price);
        cheapest.unwrap_or_default()
    }

    /// One line of the receipt or all of them, within two days.
    fn give_back(
        &mut self,
        at: u64,
        customer: usize,
        (sale, store): (usize, usize),
        parts: &[i64],
    ) {
        let whole = self.happens(4_000);
        let line = parts[self.random.below(parts.len())];
        let amount = if whole { parts.iter().sum() } else { line };
        let returns_at = self.soon(at + 10 * MINUTE, at + 2 * DAY).min(self.until - MINUTE);
        let number = self.next_refund();
        self.event(returns_at, customer, Act::Refund { number, sale, store, amount });
        self.people[customer].high += amount;
    }

    /// Lunch for the whole office, and the wallet is nearly empty. Gives when the customer has
    /// put half of it back.
    fn too_little(&mut self, at: u64, customer: usize, store: usize) -> u64 {
        let high = self.people[customer].high;
        let dearest = self.dearest();
        let pieces = high / self.shelf[dearest].unit_price.max(1) + 1;
        if pieces > 12 || at + 2 * BEFORE_A_SALE > self.until {
            return at; // nobody carries that, or the month is over
        }
        let sale = self.sale(store, vec![(dearest, pieces)], Some(Refused::TooLittle));
        self.event(at, customer, Act::Buy(sale));
        at + BEFORE_A_SALE + 2 * MINUTE
    }

    pub(super) fn sale(
        &mut self,
        store: usize,
        lines: Vec<(usize, i64)>,
        refused: Option<Refused>,
    ) -> Sale {
        self.numbers.sales += 1;
        let amount = self.price(&lines);
        Sale { number: self.numbers.sales, store, lines, amount, refused }
    }

    pub(super) fn price(&self, lines: &[(usize, i64)]) -> i64 {
        lines.iter().map(|(place, pieces)| self.shelf[*place].unit_price * pieces).sum()
    }

    /// One to five things, what people want at this time of the day.
    fn basket(&mut self, at: u64) -> Vec<(usize, i64)> {
        let (part, shelf) = (part(at), self.shelf);
        let things = 1 + weighted(&mut self.random, [35, 33, 20, 9, 3].into_iter());
        let mut lines: Vec<(usize, i64)> = Vec::with_capacity(things);
        for _ in 0..things {
            let weights = shelf.iter().map(|product| product.popularity[part]);
            let place = weighted(&mut self.random, weights);
            match lines.iter_mut().find(|(there, _)| *there == place) {
                Some((_, pieces)) => *pieces += 1,
                None => lines.push((place, 1)),
            }
        }
        lines
    }

    /// Tops up just before `at` if there is less than `amount`.
    pub(super) fn provide(&mut self, at: u64, customer: usize, store: usize, amount: i64) {
        let person = &self.people[customer];
        if person.low >= amount {
            return;
        }
        let (needed, high) = (amount - person.low, person.high);
        let by_card = person.card_from.is_some_and(|from| from < at - 15 * MINUTE);
        let card_left = CARD_MAX - person.card_yen;
        let drawn = TOP_UPS[weighted(&mut self.random, [15, 20, 35, 20, 10].into_iter())];
        let least = needed.div_euclid(1_000) * 1_000 + 1_000;
        let yen = if high + drawn > HIGH_MAX { least } else { drawn.max(least) };
        let number = self.next_top_up();
        if by_card && yen <= card_left.min(10_000) && self.happens(7_000) {
            self.event(at - BEFORE_A_SALE, customer, Act::TopUpByCard { number, amount: yen });
            self.event(at - 8 * MINUTE, customer, Act::LookAtTopUp { number });
            self.people[customer].card_yen += yen;
        } else {
            if self.happens(SLIPPED) {
                let slip = Act::TopUp { number, store, amount: yen };
                self.event(at - 4 * MINUTE, customer, slip);
                self.event(at - 3 * MINUTE, customer, Act::CancelTopUp { number, store });
                self.next_top_up();
            }
            let number = self.numbers.top_ups;
            self.event(at - 90, customer, Act::TopUp { number, store, amount: yen });
        }
        let person = &mut self.people[customer];
        person.low += yen;
        person.high += yen;
    }

    /// To a friend, who takes it before long or forgets it.
    fn send(&mut self, at: u64, sender: usize, to: usize, amount: i64) {
        let at = self.after_the_last(at, sender);
        if self.is_much(at, sender, amount) {
            return;
        }
        let number = self.give(at, (sender, to), amount);
        if self.happens(FORGOTTEN) {
            self.people[sender].high += amount; // it comes back by itself
            return;
        }
        let taken_at = self.soon(at + 2 * MINUTE, at + 20 * HOUR).min(self.until - MINUTE);
        self.event(taken_at, to, Act::Take { number });
        self.people[to].high += amount;
    }

    /// The sender's part. Gives the number of the send.
    pub(super) fn give(&mut self, at: u64, (sender, to): (usize, usize), amount: i64) -> usize {
        let store = self.people[sender].home;
        self.provide(at, sender, store, amount);
        self.spends(at, sender, amount);
        self.people[sender].low -= amount;
        self.people[sender].high -= amount;
        self.numbers.sends += 1;
        self.event(at, sender, Act::Send { number: self.numbers.sends, to, amount });
        self.numbers.sends
    }
}

#[cfg(test)]
mod tests;
