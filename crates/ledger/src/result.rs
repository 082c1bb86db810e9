//! Result codes: TigerBeetle's names and numbers, listed by descending precedence.
//!
//! When several apply to one event, the first of the list is returned. Not built, and therefore
//! absent: all `imported_event_*`, `reserved_field`, and `id_already_failed` (see the crate's
//! head).

/// Defines an enum of codes with its names, in order of precedence.
macro_rules! result_codes {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$code_meta:meta])* $code:ident = $number:literal, $text:literal;)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $name {
            $($(#[$code_meta])* $code = $number,)+
        }

        impl $name {
            /// Every code, by descending precedence.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// TigerBeetle's name of the code.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $text,)+
                }
            }

            /// TigerBeetle's number of the code.
            #[must_use]
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// Whether the event took effect, now or before: the answers to a first try and to
            /// its retry.
            #[must_use]
            pub const fn is_ok_or_exists(self) -> bool {
                matches!(self, Self::Ok | Self::Exists)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

result_codes! {
    /// What became of a request to create an account.
    CreateAccountResult {
        /// Created.
        Ok = 0, "ok";
        /// Another event of the same chain failed.
        LinkedEventFailed = 1, "linked_event_failed";
        /// The last event of the list carries `linked`.
        LinkedEventChainOpen = 2, "linked_event_chain_open";
        /// The ledger sets the timestamp.
        TimestampMustBeZero = 3, "timestamp_must_be_zero";
        /// A flag without a meaning is set.
        ReservedFlag = 5, "reserved_flag";
        /// 0 is not an id.
        IdMustNotBeZero = 6, "id_must_not_be_zero";
        /// `u128::MAX` is not an id.
        IdMustNotBeIntMax = 7, "id_must_not_be_int_max";
        /// The id is taken by an account with other flags (closing changes them too).
        ExistsWithDifferentFlags = 15, "exists_with_different_flags";
        /// The id is taken by an account with another `user_data_128`.
        ExistsWithDifferentUserData128 = 16, "exists_with_different_user_data_128";
        /// The id is taken by an account with another `user_data_64`.
        ExistsWithDifferentUserData64 = 17, "exists_with_different_user_data_64";
        /// The id is taken by an account with another `user_data_32`.
        ExistsWithDifferentUserData32 = 18, "exists_with_different_user_data_32";
        /// The id is taken by an account of another ledger.
        ExistsWithDifferentLedger = 19, "exists_with_different_ledger";
        /// The id is taken by an account with another code.
        ExistsWithDifferentCode = 20, "exists_with_different_code";
        /// The same account was created before.
        Exists = 21, "exists";
        /// Both limits at once.
        FlagsAreMutuallyExclusive = 8, "flags_are_mutually_exclusive";
        /// Only transfers change balances.
        DebitsPendingMustBeZero = 9, "debits_pending_must_be_zero";
        /// Only transfers change balances.
        DebitsPostedMustBeZero = 10, "debits_posted_must_be_zero";
        /// Only transfers change balances.
        CreditsPendingMustBeZero = 11, "credits_pending_must_be_zero";
        /// Only transfers change balances.
        CreditsPostedMustBeZero = 12, "credits_posted_must_be_zero";
        /// An account has a ledger.
        LedgerMustNotBeZero = 13, "ledger_must_not_be_zero";
        /// An account has a code.
        CodeMustNotBeZero = 14, "code_must_not_be_zero";
    }
}

result_codes! {
    /// What became of a request to create a transfer.
    CreateTransferResult {
        /// Created.
        Ok = 0, "ok";
        /// Another event of the same chain failed.
        LinkedEventFailed = 1, "linked_event_failed";
        /// The last event of the list carries `linked`.
        LinkedEventChainOpen = 2, "linked_event_chain_open";
        /// The ledger sets the timestamp.
        TimestampMustBeZero = 3, "timestamp_must_be_zero";
        /// A flag without a meaning is set.
        ReservedFlag = 4, "reserved_flag";
        /// 0 is not an id.
        IdMustNotBeZero = 5, "id_must_not_be_zero";
        /// `u128::MAX` is not an id.
        IdMustNotBeIntMax = 6, "id_must_not_be_int_max";
        /// The id is taken by a transfer with other flags.
        ExistsWithDifferentFlags = 36, "exists_with_different_flags";
        /// The id is taken by a transfer that resolved another pending transfer.
        ExistsWithDifferentPendingId = 40, "exists_with_different_pending_id";
        /// The id is taken by a transfer with another timeout.
        ExistsWithDifferentTimeout = 44, "exists_with_different_timeout";
        /// The id is taken by a transfer that debits another account.
        ExistsWithDifferentDebitAccountId = 37, "exists_with_different_debit_account_id";
        /// The id is taken by a transfer that credits another account.
        ExistsWithDifferentCreditAccountId = 38, "exists_with_different_credit_account_id";
        /// The id is taken by a transfer of another amount.
        ExistsWithDifferentAmount = 39, "exists_with_different_amount";
        /// The id is taken by a transfer with another `user_data_128`.
        ExistsWithDifferentUserData128 = 41, "exists_with_different_user_data_128";
        /// The id is taken by a transfer with another `user_data_64`.
        ExistsWithDifferentUserData64 = 42, "exists_with_different_user_data_64";
        /// The id is taken by a transfer with another `user_data_32`.
        ExistsWithDifferentUserData32 = 43, "exists_with_different_user_data_32";
        /// The id is taken by a transfer of another ledger.
        ExistsWithDifferentLedger = 67, "exists_with_different_ledger";
        /// The id is taken by a transfer with another code.
        ExistsWithDifferentCode = 45, "exists_with_different_code";
        /// The same transfer was created before.
        Exists = 46, "exists";
        /// Flags that cannot be combined.
        FlagsAreMutuallyExclusive = 7, "flags_are_mutually_exclusive";
        /// A transfer has a debit account.
        DebitAccountIdMustNotBeZero = 8, "debit_account_id_must_not_be_zero";
        /// `u128::MAX` is not an id.
        DebitAccountIdMustNotBeIntMax = 9, "debit_account_id_must_not_be_int_max";
        /// A transfer has a credit account.
        CreditAccountIdMustNotBeZero = 10, "credit_account_id_must_not_be_zero";
        /// `u128::MAX` is not an id.
        CreditAccountIdMustNotBeIntMax = 11, "credit_account_id_must_not_be_int_max";
        /// Value moves between two accounts.
        AccountsMustBeDifferent = 12, "accounts_must_be_different";
        /// Only a second phase names a pending transfer.
        PendingIdMustBeZero = 13, "pending_id_must_be_zero";
        /// A second phase names a pending transfer.
        PendingIdMustNotBeZero = 14, "pending_id_must_not_be_zero";
        /// `u128::MAX` is not an id.
        PendingIdMustNotBeIntMax = 15, "pending_id_must_not_be_int_max";
        /// A transfer does not resolve itself.
        PendingIdMustBeDifferent = 16, "pending_id_must_be_different";
        /// Only a pending transfer has a timeout.
        TimeoutReservedForPendingTransfer = 17, "timeout_reserved_for_pending_transfer";
        /// A closing transfer is pending, so that voiding it opens the account again.
        ClosingTransferMustBePending = 64, "closing_transfer_must_be_pending";
        /// A transfer has a ledger.
        LedgerMustNotBeZero = 19, "ledger_must_not_be_zero";
        /// A transfer has a code.
        CodeMustNotBeZero = 20, "code_must_not_be_zero";
        /// No such debit account.
        DebitAccountNotFound = 21, "debit_account_not_found";
        /// No such credit account.
        CreditAccountNotFound = 22, "credit_account_not_found";
        /// The two accounts are of different ledgers.
        AccountsMustHaveTheSameLedger = 23, "accounts_must_have_the_same_ledger";
        /// The transfer is of another ledger than its accounts.
        TransferMustHaveTheSameLedgerAsAccounts =
            24, "transfer_must_have_the_same_ledger_as_accounts";
        /// No such pending transfer.
        PendingTransferNotFound = 25, "pending_transfer_not_found";
        /// The named transfer was not a pending one.
        PendingTransferNotPending = 26, "pending_transfer_not_pending";
        /// The pending transfer debits another account.
        PendingTransferHasDifferentDebitAccountId =
            27, "pending_transfer_has_different_debit_account_id";
        /// The pending transfer credits another account.
        PendingTransferHasDifferentCreditAccountId =
            28, "pending_transfer_has_different_credit_account_id";
        /// The pending transfer is of another ledger.
        PendingTransferHasDifferentLedger = 29, "pending_transfer_has_different_ledger";
        /// The pending transfer has another code.
        PendingTransferHasDifferentCode = 30, "pending_transfer_has_different_code";
        /// More than was reserved.
        ExceedsPendingTransferAmount = 31, "exceeds_pending_transfer_amount";
        /// A void releases all that was reserved.
        PendingTransferHasDifferentAmount = 32, "pending_transfer_has_different_amount";
        /// It was posted before.
        PendingTransferAlreadyPosted = 33, "pending_transfer_already_posted";
        /// It was voided before.
        PendingTransferAlreadyVoided = 34, "pending_transfer_already_voided";
        /// Its timeout has passed.
        PendingTransferExpired = 35, "pending_transfer_expired";
        /// The debit account is closed.
        DebitAccountAlreadyClosed = 65, "debit_account_already_closed";
        /// The credit account is closed.
        CreditAccountAlreadyClosed = 66, "credit_account_already_closed";
        /// `debits_pending + amount` does not fit in 64 bits.
        OverflowsDebitsPending = 47, "overflows_debits_pending";
        /// `credits_pending + amount` does not fit in 64 bits.
        OverflowsCreditsPending = 48, "overflows_credits_pending";
        /// `debits_posted + amount` does not fit in 64 bits.
        OverflowsDebitsPosted = 49, "overflows_debits_posted";
        /// `credits_posted + amount` does not fit in 64 bits.
        OverflowsCreditsPosted = 50, "overflows_credits_posted";
        /// `debits_pending + debits_posted + amount` does not fit in 64 bits.
        OverflowsDebits = 51, "overflows_debits";
        /// `credits_pending + credits_posted + amount` does not fit in 64 bits.
        OverflowsCredits = 52, "overflows_credits";
        /// The transfer would expire after the last timestamp, 2⁶³ − 1.
        OverflowsTimeout = 53, "overflows_timeout";
        /// The debit account would owe more than it was credited.
        ExceedsCredits = 54, "exceeds_credits";
        /// The credit account would be credited more than it was debited.
        ExceedsDebits = 55, "exceeds_debits";
    }
}
