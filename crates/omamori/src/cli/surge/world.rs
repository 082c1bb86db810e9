//! Who takes part. Everything about the n-th customer and store follows from a seed, so nothing
//! has to be kept between filling the tables and playing the parts.

use omamori_drill::sale::{Cast, Phone};
use omamori_drill::signin::{Member, key_of};
use omamori_paycode::code::{CodeSecret, DeviceNumber, Prefix};
use sha2::{Digest, Sha256};

use crate::gate::chart::wallet_account_id;
use crate::id::{Kind, derive};
use crate::identity::Jwk;

/// What every customer has, in yen: below the largest balance and the payments of a day.
pub(super) const BALANCE_YEN: u32 = 90_000;
const STORES_PER_MERCHANT: u32 = 100;

/// All customers and stores.
pub(super) struct World {
    pub(super) customers: u32,
    pub(super) stores: u32,
    /// The first so many customers have a password, an authenticator app and a phone that signs.
    pub(super) members: u32,
    seed: [u8; 32],
}

/// A customer with the phone that pays.
pub(super) struct Customer {
    pub(super) customer_id: String,
    pub(super) phone: String,
    pub(super) wallet_account: u128,
    pub(super) device_id: String,
    pub(super) device_number: DeviceNumber,
    pub(super) sign_key_thumbprint: [u8; 32],
    pub(super) code_secret: [u8; 32],
}

/// A store with its one terminal.
pub(super) struct Store {
    pub(super) merchant_number: u32,
    pub(super) merchant_id: String,
    pub(super) store_id: String,
    pub(super) sales_account: u128,
    pub(super) cash_account: u128,
    pub(super) terminal_id: String,
    pub(super) terminal_number: u32,
    pub(super) api_key: String,
}

impl World {
    pub(super) const fn new(customers: u32, stores: u32, seed: [u8; 32]) -> Self {
        Self { customers, stores, members: 0, seed }
    }

    /// The same with so many members, if there are as many customers.
    pub(super) fn with_members(self, members: u32) -> Self {
        Self { members: members.min(self.customers), ..self }
    }

    pub(super) const fn merchants(&self) -> u32 {
        self.stores.div_ceil(STORES_PER_MERCHANT)
    }

    pub(super) fn merchant_id(number: u32) -> String {
        Kind::Merchant.text(u128::from(number) + 1)
    }

    /// The customer of a number below `customers`.
    ///
    /// # Panics
    /// If the number has no place among nine digits.
    pub(super) fn customer(&self, number: u32) -> Customer {
        let id = u128::from(number) + 1;
        let customer_id = Kind::Customer.text(id);
        let Some(device_number) = DeviceNumber::new(number + 1) else {
            panic!("a device number has nine digits");
        };
        Customer {
            wallet_account: wallet_account_id(&customer_id),
            customer_id,
            phone: phone(number),
            device_id: Kind::Device.text(id),
            device_number,
            sign_key_thumbprint: self.thumbprint(number),
            code_secret: self.secret("code", number),
        }
    }

    /// The store of a number below `stores`.
    pub(super) fn store(&self, number: u32) -> Store {
        let id = u128::from(number) + 1;
        let store_id = Kind::Store.text(id);
        let merchant_number = number / STORES_PER_MERCHANT;
        Store {
            merchant_number,
            merchant_id: Self::merchant_id(merchant_number),
            sales_account: derive("store-sales", &[store_id.as_bytes()]),
            cash_account: derive("store-cash", &[store_id.as_bytes()]),
            store_id,
            terminal_id: Kind::Terminal.text(id),
            terminal_number: number + 1,
            api_key: self.api_key(number),
        }
    }

    /// What the load generator must know.
    pub(super) fn cast(&self) -> Cast {
        let phone = |number| {
            let customer = self.customer(number);
            Phone {
                device: customer.device_number,
                secret: CodeSecret::new(customer.code_secret),
                yen: BALANCE_YEN,
            }
        };
        Cast {
            prefix: Prefix::DEFAULT,
            phones: (0..self.customers).map(phone).collect(),
            terminal_keys: (0..self.stores).map(|number| self.api_key(number)).collect(),
        }
    }

    /// What a member signs in with.
    pub(super) fn member(&self, number: u32) -> Member {
        let totp_secret = self.secret("authenticator", number);
        let password = self.secret("password", number);
        Member {
            number: phone(number),
            password: password[..12].iter().map(|byte| format!("{byte:02x}")).collect(),
            totp_secret: std::array::from_fn(|index| totp_secret[index]),
            sign_key: key_of(&format!("member {:02x?}", self.seed), number),
        }
    }

    /// Of a member's key; of nobody's for the others, who sign nothing.
    fn thumbprint(&self, number: u32) -> [u8; 32] {
        if number >= self.members {
            return self.secret("sign key", number);
        }
        Jwk::of(&p256::PublicKey::from(self.member(number).sign_key.verifying_key())).thumbprint()
    }

    /// Shaped like a real one.
    fn api_key(&self, number: u32) -> String {
        let secret = self.secret("terminal", number);
        let hex: String = secret[..17].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("omk_{hex}")
    }

    fn secret(&self, purpose: &str, number: u32) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.seed)
            .chain_update(number.to_be_bytes())
            .chain_update(purpose)
            .finalize()
            .into()
    }
}

/// Mobile numbers of Japan have no 0 after the 080.
fn phone(number: u32) -> String {
    format!("+81{}", 8_010_000_000 + u64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_and_what_is_played_are_the_same() {
        let world = World::new(5, 3, [7; 32]);
        let cast = world.cast();
        assert_eq!((cast.phones.len(), cast.terminal_keys.len()), (5, 3));
        assert_eq!(cast.phones[4].device, world.customer(4).device_number);
        assert_eq!(cast.terminal_keys[2], world.store(2).api_key);
        assert_ne!(world.customer(1).code_secret, world.customer(2).code_secret);
        assert_ne!(world.customer(1).code_secret, world.customer(1).sign_key_thumbprint);
        assert_ne!(world.store(1).api_key, World::new(5, 3, [8; 32]).store(1).api_key);
        assert_eq!(World::new(1, 101, [0; 32]).merchants(), 2);
        let world = world.with_members(2);
        let key = world.member(1).sign_key;
        let jwk = Jwk::of(&p256::PublicKey::from(key.verifying_key()));
        assert_eq!(world.customer(1).sign_key_thumbprint, jwk.thumbprint());
        assert_eq!(world.customer(1).phone, world.member(1).number);
    }
}
