//! Accounts and transfers as fixed-size records, little-endian, for the blocks of a snapshot.

use crate::{Account, AccountFlags, Transfer, TransferFlags};

/// Writes and reads the fields of a record in one order.
macro_rules! packed {
    ($name:ident, $size_name:ident, $size:literal, $put:ident, $take:ident,
        { $($field:ident : $int:ty),+ $(,)? }, $flags:ident
    ) => {
        /// Bytes of one record.
        pub(super) const $size_name: usize = $size;

        pub(super) fn $put(out: &mut Vec<u8>, record: &$name) {
            $(out.extend_from_slice(&record.$field.to_le_bytes());)+
            out.extend_from_slice(&record.flags.bits().to_le_bytes());
        }

        /// Reads one record, which must be of the right size.
        pub(super) fn $take(bytes: &[u8]) -> Option<$name> {
            let mut rest = bytes;
            let record = $name {
                $($field: {
                    let (chunk, after) = rest.split_first_chunk()?;
                    rest = after;
                    <$int>::from_le_bytes(*chunk)
                },)+
                flags: {
                    let (chunk, after) = rest.split_first_chunk()?;
                    rest = after;
                    $flags::from_bits(u16::from_le_bytes(*chunk))
                },
            };
            rest.is_empty().then_some(record)
        }
    };
}

packed!(Account, ACCOUNT_SIZE, 92, put_account, account, {
    id: u128,
    debits_pending: u64,
    debits_posted: u64,
    credits_pending: u64,
    credits_posted: u64,
    user_data_128: u128,
    user_data_64: u64,
    user_data_32: u32,
    ledger: u32,
    code: u16,
    timestamp: u64,
}, AccountFlags);

packed!(Transfer, TRANSFER_SIZE, 120, put_transfer, transfer, {
    id: u128,
    debit_account_id: u128,
    credit_account_id: u128,
    amount: u64,
    pending_id: u128,
    user_data_128: u128,
    user_data_64: u64,
    user_data_32: u32,
    timeout: u32,
    ledger: u32,
    code: u16,
    timestamp: u64,
}, TransferFlags);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_its_size_and_comes_back_as_it_was() {
        let wanted = Account {
            id: 1 << 100,
            debits_posted: u64::MAX,
            user_data_32: 7,
            code: 9,
            flags: AccountFlags::CLOSED,
            timestamp: 3,
            ..Account::default()
        };
        let mut bytes = Vec::new();
        put_account(&mut bytes, &wanted);
        assert_eq!(bytes.len(), ACCOUNT_SIZE);
        assert_eq!(account(&bytes), Some(wanted));
        assert_eq!(account(&bytes[1..]), None);

        let wanted =
            Transfer { id: 5, timeout: 60, flags: TransferFlags::PENDING, ..Transfer::default() };
        let mut bytes = Vec::new();
        put_transfer(&mut bytes, &wanted);
        assert_eq!(bytes.len(), TRANSFER_SIZE);
        assert_eq!(transfer(&bytes), Some(wanted));
        bytes.push(0);
        assert_eq!(transfer(&bytes), None);
    }
}
