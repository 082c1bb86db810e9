//! Text tables: one event a line, the expected result last. The tables are the `.txt` files
//! beside this one; `README.txt` among them describes the lines.

use std::collections::BTreeSet;

use omamori_ledger::{
    Account, AccountFlags, CreateAccountResult, CreateTransferResult, PendingStatus, Request,
    Transfer, TransferFlags,
};

use super::world::World;

const SECOND: u64 = 1_000_000_000;
const TIMESTAMP_MAX: u64 = i64::MAX as u64;

macro_rules! scripts {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            Script::run(stringify!($name), include_str!(concat!(stringify!($name), ".txt")));
        })+

        /// Runs every table and tells which result codes they expect.
        fn seen_in_all_scripts() -> Seen {
            let mut seen = Seen::default();
            $(seen.extend(
                Script::run(stringify!($name), include_str!(concat!(stringify!($name), ".txt"))),
            );)+
            seen
        }
    };
}

scripts! {
    create_accounts
    create_transfers
    two_phase
    timeouts
    linked
    balancing
    closing
    requests
    forgotten
    sale
}

#[test]
fn every_result_code_is_reached_by_a_table() {
    let seen = seen_in_all_scripts();
    let accounts = CreateAccountResult::ALL.iter().map(|code| code.name()).collect();
    let transfers = CreateTransferResult::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(seen.accounts, accounts);
    assert_eq!(seen.transfers, transfers);
}

/// Names of the result codes that occurred.
#[derive(Default)]
struct Seen {
    accounts: BTreeSet<&'static str>,
    transfers: BTreeSet<&'static str>,
}

impl Seen {
    fn extend(&mut self, other: Self) {
        self.accounts.extend(other.accounts);
        self.transfers.extend(other.transfers);
    }
}

/// One request, with the place and the expected result of each event.
#[derive(Default)]
struct Expected {
    request: Request,
    accounts: Vec<(usize, String)>,
    transfers: Vec<(usize, String)>,
}

struct Script {
    name: &'static str,
    line: usize,
    world: World,
    timestamp: u64,
    batch: Vec<Expected>,
    seen: Seen,
}

impl Script {
    fn run(name: &'static str, text: &str) -> Seen {
        let mut script = Self {
            name,
            line: 0,
            world: World::default(),
            timestamp: SECOND,
            batch: vec![Expected::default()],
            seen: Seen::default(),
        };
        for (index, line) in text.lines().enumerate() {
            script.line = index + 1;
            let line = line.split("//").next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            if let Some((verb, words)) = words.split_first() {
                script.step(verb, words);
            }
        }
        assert!(script.batch.iter().all(Expected::is_empty), "{name}: no commit at the end");
        script.seen
    }

    fn step(&mut self, verb: &str, words: &[&str]) {
        match verb {
            "account" => self.account(words),
            "transfer" => self.transfer(words),
            "request" => self.batch.push(Expected::default()),
            "commit" => self.commit(),
            "tick" => self.tick(words),
            "forget" => self.world.forget_until(self.world.state.position().timestamp),
            "balance" => self.balance(words),
            "status" => self.status(words),
            "pending_count" => {
                let count = self.world.state.memory_use().pending_count;
                assert_eq!(words, [count.to_string()], "{}", self.place(self.line));
            }
            _ => panic!("{}: no verb {verb}", self.place(self.line)),
        }
    }

    fn place(&self, line: usize) -> String {
        format!("tests/core/{}.txt:{line}", self.name)
    }

    fn bad(&self, word: &str) -> ! {
        panic!("{}: cannot read {word:?}", self.place(self.line))
    }

    fn account(&mut self, words: &[&str]) {
        let [id, ledger, code, options @ .., expected] = words else { self.bad("account") };
        let mut account = Account {
            id: self.id(id, 'A'),
            ledger: self.number(ledger, 'L'),
            code: self.number(code, 'C'),
            ..Account::default()
        };
        for option in options {
            self.account_option(&mut account, option);
        }
        let place = (self.line, (*expected).to_owned());
        let last = self.batch.last_mut().expect("a batch has a request");
        last.request.accounts.push(account);
        last.accounts.push(place);
    }

    fn account_option(&self, account: &mut Account, option: &str) {
        let value = |text: &str| self.amount(text);
        match option.split_once('=') {
            Some(("debits_pending", text)) => account.debits_pending = value(text),
            Some(("debits_posted", text)) => account.debits_posted = value(text),
            Some(("credits_pending", text)) => account.credits_pending = value(text),
            Some(("credits_posted", text)) => account.credits_posted = value(text),
            Some(("u128", text)) => account.user_data_128 = value(text).into(),
            Some(("u64", text)) => account.user_data_64 = value(text),
            Some(("u32", text)) => account.user_data_32 = value(text) as u32,
            Some(("timestamp", text)) => account.timestamp = value(text),
            Some(_) => self.bad(option),
            None => {
                let flag = match option {
                    "LNK" => AccountFlags::LINKED,
                    "D<C" => AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS,
                    "C<D" => AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS,
                    "CLSD" => AccountFlags::CLOSED,
                    "HIST" => AccountFlags::from_bits(1 << 3),
                    "IMP" => AccountFlags::from_bits(1 << 4),
                    "PAD" => AccountFlags::from_bits(1 << 15),
                    _ => self.bad(option),
                };
                account.flags = account.flags | flag;
            }
        }
    }

    fn transfer(&mut self, words: &[&str]) {
        let [id, debit, credit, amount, ledger, code, options @ .., expected] = words else {
            self.bad("transfer")
        };
        let mut transfer = Transfer {
            id: self.id(id, 'T'),
            debit_account_id: self.id(debit, 'A'),
            credit_account_id: self.id(credit, 'A'),
            amount: self.amount(amount),
            ledger: self.number(ledger, 'L'),
            code: self.number(code, 'C'),
            ..Transfer::default()
        };
        for option in options {
            self.transfer_option(&mut transfer, option);
        }
        let place = (self.line, (*expected).to_owned());
        let last = self.batch.last_mut().expect("a batch has a request");
        last.request.transfers.push(transfer);
        last.transfers.push(place);
    }

    fn transfer_option(&self, transfer: &mut Transfer, option: &str) {
        let value = |text: &str| self.amount(text);
        match option.split_once('=') {
            Some(("pending", text)) => transfer.pending_id = self.id(text, 'T'),
            Some(("u128", text)) => transfer.user_data_128 = value(text).into(),
            Some(("u64", text)) => transfer.user_data_64 = value(text),
            Some(("u32", text)) => transfer.user_data_32 = value(text) as u32,
            Some(("timeout", text)) => transfer.timeout = value(text) as u32,
            Some(("timestamp", text)) => transfer.timestamp = value(text),
            Some(_) => self.bad(option),
            None => {
                let flag = match option {
                    "LNK" => TransferFlags::LINKED,
                    "PEN" => TransferFlags::PENDING,
                    "POS" => TransferFlags::POST_PENDING_TRANSFER,
                    "VOI" => TransferFlags::VOID_PENDING_TRANSFER,
                    "BDR" => TransferFlags::BALANCING_DEBIT,
                    "BCR" => TransferFlags::BALANCING_CREDIT,
                    "CDR" => TransferFlags::CLOSING_DEBIT,
                    "CCR" => TransferFlags::CLOSING_CREDIT,
                    "IMP" => TransferFlags::from_bits(1 << 8),
                    "PAD" => TransferFlags::from_bits(1 << 15),
                    _ => self.bad(option),
                };
                transfer.flags = transfer.flags | flag;
            }
        }
    }

    fn commit(&mut self) {
        let batch = std::mem::replace(&mut self.batch, vec![Expected::default()]);
        self.timestamp = self.timestamp.max(self.world.state.position().timestamp + 1);
        let requests: Vec<_> = batch.iter().map(|expected| expected.request.clone()).collect();
        let replies = self.world.commit(self.timestamp, &requests);
        for (expected, reply) in batch.iter().zip(replies) {
            assert_eq!(expected.accounts.len(), reply.accounts.len());
            assert_eq!(expected.transfers.len(), reply.transfers.len());
            for ((line, name), outcome) in expected.accounts.iter().zip(&reply.accounts) {
                assert_eq!(outcome.result.name(), name, "{}", self.place(*line));
                assert!(outcome.result.is_ok_or_exists() || outcome.timestamp == 0);
                self.seen.accounts.insert(outcome.result.name());
            }
            for ((line, name), outcome) in expected.transfers.iter().zip(&reply.transfers) {
                assert_eq!(outcome.result.name(), name, "{}", self.place(*line));
                assert!(outcome.result.is_ok_or_exists() || outcome.timestamp == 0);
                self.seen.transfers.insert(outcome.result.name());
            }
        }
    }

    /// `tick 5 seconds`, `tick 3 nanoseconds`, `tick until 3 seconds before the end`.
    fn tick(&mut self, words: &[&str]) {
        self.timestamp = self.timestamp.max(self.world.state.position().timestamp + 1);
        match words {
            [count, "seconds"] => self.timestamp += self.amount(count) * SECOND,
            [count, "nanoseconds"] => self.timestamp += self.amount(count),
            ["until", count, "seconds", "before", "the", "end"] => {
                self.timestamp = TIMESTAMP_MAX - self.amount(count) * SECOND;
            }
            _ => self.bad(&words.join(" ")),
        }
    }

    /// `balance A1 debits_pending debits_posted credits_pending credits_posted [CLSD]`, or
    /// `balance A1 absent`.
    fn balance(&self, words: &[&str]) {
        let found = self.world.state.account(self.id(words[0], 'A'));
        let expected = words[1..].join(" ");
        let found = found.map_or("absent".to_owned(), |account| {
            let closed = if account.is_closed() { " CLSD" } else { "" };
            format!(
                "{} {} {} {}{closed}",
                self.shown(account.debits_pending),
                self.shown(account.debits_posted),
                self.shown(account.credits_pending),
                self.shown(account.credits_posted),
            )
        });
        assert_eq!(found, expected, "{}", self.place(self.line));
    }

    /// `status T1 none|pending|posted|voided|expired amount`, or `status T1 absent`.
    fn status(&self, words: &[&str]) {
        let found = self.world.transfer(self.id(words[0], 'T'));
        let expected = words[1..].join(" ");
        let found = found.map_or("absent".to_owned(), |stored| {
            let status = match stored.pending_status {
                PendingStatus::None => "none",
                PendingStatus::Pending => "pending",
                PendingStatus::Posted => "posted",
                PendingStatus::Voided => "voided",
                PendingStatus::Expired => "expired",
            };
            format!("{status} {}", self.shown(stored.transfer.amount))
        });
        assert_eq!(found, expected, "{}", self.place(self.line));
    }

    /// `A7` is 7, `AMAX` the greatest number of 128 bits.
    fn id(&self, word: &str, letter: char) -> u128 {
        match word.strip_prefix(letter) {
            Some("MAX") => u128::MAX,
            Some(digits) => digits.parse().unwrap_or_else(|_| self.bad(word)),
            None => self.bad(word),
        }
    }

    fn number<N: std::str::FromStr>(&self, word: &str, letter: char) -> N {
        let digits = word.strip_prefix(letter).unwrap_or_else(|| self.bad(word));
        digits.parse().unwrap_or_else(|_| self.bad(word))
    }

    /// `12`, `max`, or `max-12`.
    fn amount(&self, word: &str) -> u64 {
        let parse = |digits: &str| digits.parse::<u64>().unwrap_or_else(|_| self.bad(word));
        match word.strip_prefix("max") {
            None => parse(word),
            Some("") => u64::MAX,
            Some(less) => {
                u64::MAX - parse(less.strip_prefix('-').unwrap_or_else(|| self.bad(word)))
            }
        }
    }

    /// As [`Self::amount`] reads it.
    fn shown(&self, amount: u64) -> String {
        match u64::MAX - amount {
            0 => "max".to_owned(),
            less @ 1..100_000 => format!("max-{less}"),
            _ => amount.to_string(),
        }
    }
}

impl Expected {
    fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.transfers.is_empty()
    }
}
