//! Seats, and how they are sold.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Whether a seat is taken while the payment is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selling {
    /// Look, pay, take: two fans who pay at the same time get the same seat.
    PayFirst,
    /// Take, then pay.
    TakeFirst,
}

/// How long a payment takes.
const PAYMENT: Duration = Duration::from_millis(20);

/// A hall with numbered seats.
pub struct Shop {
    seats: u32,
    next: Mutex<u32>,
    selling: Selling,
}

impl Shop {
    pub fn new(seats: u32, selling: Selling) -> Shop {
        Shop { seats, next: Mutex::new(1), selling }
    }

    pub fn left(&self) -> u32 {
        (self.seats + 1).saturating_sub(*self.next())
    }

    /// Sells the next seat, if one is left.
    pub async fn buy(&self) -> Option<u32> {
        match self.selling {
            Selling::PayFirst => {
                let seat = *self.next();
                tokio::time::sleep(PAYMENT).await;
                let sold = (seat <= self.seats).then_some(seat);
                *self.next() = seat + 1;
                sold
            }
            Selling::TakeFirst => {
                let seat = {
                    let mut next = self.next();
                    let seat = (*next <= self.seats).then_some(*next)?;
                    *next += 1;
                    seat
                };
                tokio::time::sleep(PAYMENT).await;
                Some(seat)
            }
        }
    }

    fn next(&self) -> std::sync::MutexGuard<'_, u32> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
