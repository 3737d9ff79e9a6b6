//! What happens to a datagram on its way.

use std::time::Duration;

use arrayvec::ArrayVec;
use rand::Rng;

/// How bad the way between two hosts is. Nothing happens to what stays on one host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Air {
    /// How often a datagram is lost, 0 to 1.
    pub loss: f64,
    /// How long every datagram takes.
    pub delay: Duration,
    /// How much longer it may take at random: more than the gap between two, and they change places.
    pub jitter: Duration,
    /// How often it comes twice, 0 to 1.
    pub duplicate: f64,
    /// How often a bit of it is turned, 0 to 1.
    pub corrupt: f64,
    /// Whether broadcasts reach other hosts.
    pub broadcast: bool,
}

/// One copy of a datagram that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// After this time.
    pub delay: Duration,
    /// With this bit turned.
    pub turned: Option<usize>,
}

impl Default for Air {
    fn default() -> Self {
        Self {
            loss: 0.0,
            delay: Duration::from_micros(200),
            jitter: Duration::ZERO,
            duplicate: 0.0,
            corrupt: 0.0,
            broadcast: true,
        }
    }
}

impl Air {
    /// True when every datagram comes in once, as it was, after the same time.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.loss == 0.0 && self.jitter.is_zero() && self.duplicate == 0.0 && self.corrupt == 0.0
    }

    /// Decides about one datagram of so many bytes: none, one or two copies of it come in.
    pub fn fates(&self, bytes: usize, rng: &mut impl Rng) -> ArrayVec<Fate, 2> {
        let mut fates = ArrayVec::new();
        if chance(self.loss, rng) {
            return fates;
        }
        let copies = 1 + usize::from(chance(self.duplicate, rng));
        for _ in 0..copies {
            let turned = chance(self.corrupt, rng).then(|| rng.next_u32() as usize % (bytes * 8).max(1));
            fates.push(Fate { delay: self.delay + self.jitter.mul_f64(unit(rng)), turned });
        }
        fates
    }
}

fn unit(rng: &mut impl Rng) -> f64 {
    f64::from(rng.next_u32()) / f64::from(u32::MAX)
}

fn chance(share: f64, rng: &mut impl Rng) -> bool {
    share > 0.0 && unit(rng) < share
}
