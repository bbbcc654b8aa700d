//! Memory of the host that a send reads where it is, and how the host gets it back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::within::InsideCallback;
use super::{Delivery, Release};

/// Bytes of the host, lent until this is dropped. Then `release` runs, before the next events are handed
/// out, the completion of their send among them.
pub struct Lent {
    data: &'static [u8],
    release: Option<Release>,
    delivery: Arc<Delivery>,
}

impl Lent {
    /// Takes them over.
    pub fn new(delivery: &Arc<Delivery>, data: &'static [u8], release: Release) -> Self {
        Self { data, release: Some(release), delivery: Arc::clone(delivery) }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.data
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // An engine drops it in the middle of its work: host code has to wait.
        if let Some(release) = self.release.take() {
            self.delivery.unlent.lock().push(release);
            self.delivery.any_unlent.store(true, Ordering::Release);
        }
    }
}

impl Delivery {
    /// Tells the host what is not read any more.
    #[inline]
    pub(super) fn give_back_lent(&self) {
        if self.any_unlent.load(Ordering::Acquire) {
            self.run_releases();
        }
    }

    fn run_releases(&self) {
        self.any_unlent.store(false, Ordering::Release);
        let due = std::mem::take(&mut *self.unlent.lock());
        let _inside = InsideCallback::enter();
        due.into_iter().for_each(|release| release());
    }
}
