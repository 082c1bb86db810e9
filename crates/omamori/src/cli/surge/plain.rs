//! The plain loop: one PostgreSQL transaction for each payment, as people usually write it. Lock
//! the payer's balance, look, take, give, note, commit.

use sqlx::Connection as _;
use sqlx::postgres::{PgPool, PgPoolOptions};

use super::SurgeError;
use super::closed_loop::{Pay, Payment};
use super::world::{BALANCE_YEN, World};

/// Payments at once, each on a connection of its own.
pub(super) const CONNECTIONS: u32 = 32;

/// Two tables of balances and one of payments.
pub(super) struct Plain {
    pool: PgPool,
}

impl Plain {
    /// Makes and fills the tables.
    pub(super) async fn prepare(address: &str, world: &World) -> Result<Self, SurgeError> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(address).await?;
        for statement in [
            "CREATE TABLE plain_customer (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)",
            "CREATE TABLE plain_store (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)",
            "CREATE TABLE plain_payment (
                 id BIGINT PRIMARY KEY,
                 customer_id BIGINT NOT NULL REFERENCES plain_customer (id),
                 store_id BIGINT NOT NULL REFERENCES plain_store (id),
                 amount BIGINT NOT NULL CHECK (amount > 0),
                 paid_at TIMESTAMPTZ NOT NULL DEFAULT now()
             )",
        ] {
            sqlx::query(statement).execute(&pool).await?;
        }
        let fill_customers = "INSERT INTO plain_customer
                              SELECT number, $2 FROM generate_series(0, $1 - 1) AS number";
        let fill_stores = "INSERT INTO plain_store
                           SELECT number, $2 FROM generate_series(0, $1 - 1) AS number";
        for (fill, count, balance) in [
            (fill_customers, world.customers, i64::from(BALANCE_YEN)),
            (fill_stores, world.stores, 0),
        ] {
            sqlx::query(fill).bind(i64::from(count)).bind(balance).execute(&pool).await?;
        }
        sqlx::query("ANALYZE").execute(&pool).await?;
        Ok(Self { pool })
    }

    async fn pay_in_transaction(&self, payment: Payment) -> Result<bool, sqlx::Error> {
        let (payer, store) = (i64::from(payment.payer), i64::from(payment.store));
        let amount = i64::from(payment.amount);
        let mut connection = self.pool.acquire().await?;
        let mut tx = connection.begin().await?;
        let lock = "SELECT balance FROM plain_customer WHERE id = $1 FOR UPDATE";
        let balance: i64 = sqlx::query_scalar(lock).bind(payer).fetch_one(&mut *tx).await?;
        if balance < amount {
            tx.rollback().await?;
            return Ok(false);
        }
        sqlx::query("UPDATE plain_customer SET balance = balance - $2 WHERE id = $1")
            .bind(payer)
            .bind(amount)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE plain_store SET balance = balance + $2 WHERE id = $1")
            .bind(store)
            .bind(amount)
            .execute(&mut *tx)
            .await?;
        let note = "INSERT INTO plain_payment (id, customer_id, store_id, amount)
                    VALUES ($1, $2, $3, $4)";
        sqlx::query(note)
            .bind(payment.number.cast_signed())
            .bind(payer)
            .bind(store)
            .bind(amount)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Pay for Plain {
    async fn pay(&self, payment: Payment) -> Result<(), String> {
        match self.pay_in_transaction(payment).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("insufficient_funds".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}
