//! Memory of the host that a send reads where it is, and how the host gets it back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::{Delivery, InsideCallback, Release};

/// Bytes of the host, lent until this is dropped.
struct Lent {
    data: &'static [u8],
    release: Option<Release>,
    delivery: Arc<Delivery>,
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
    /// A block over `data`. `release` runs when no piece of it is left, before the next events are handed
    /// out, the completion of its send among them.
    pub fn lend(self: &Arc<Self>, data: &'static [u8], release: Option<Release>) -> Bytes {
        match release {
            None => Bytes::from_static(data),
            release => Bytes::from_owner(Lent { data, release, delivery: Arc::clone(self) }),
        }
    }

    /// Tells the host what is not read any more.
    pub(super) fn give_back_lent(&self) {
        if !self.any_unlent.load(Ordering::Acquire) {
            return;
        }
        self.any_unlent.store(false, Ordering::Release);
        let due = std::mem::take(&mut *self.unlent.lock());
        let _inside = InsideCallback::enter();
        due.into_iter().for_each(|release| release());
    }
}
