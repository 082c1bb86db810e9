//! The merchant's back office: its people and what each may do, keys of terminals,
//! sales, the account for payouts.

mod bank;
mod keys;
mod letters;
mod notices;
mod people;
mod sales;
