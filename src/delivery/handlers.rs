//! Whom an event goes to: the call's own callback, else the listeners of its type, else the default
//! handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::api::event::Ticket;
use crate::api::table::EventType;

/// Tells the host, once, that what it has given is not used any more.
pub type Release = Box<dyn FnOnce() + Send + Sync>;

/// The host's handler for all that nobody else takes.
struct DefaultHandler {
    target: Ticket,
    release: Option<Release>,
}

impl Drop for DefaultHandler {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

/// An unchanging set of handlers; changes replace it, so that it is used without a lock.
#[derive(Clone, Default)]
struct Table {
    /// By event type; so few that looking through them is fastest.
    listeners: Vec<(EventType, Vec<Ticket>)>,
    default: Option<Arc<DefaultHandler>>,
}

/// The handlers of one app.
#[derive(Default)]
pub(super) struct Handlers {
    table: Mutex<Arc<Table>>,
    /// Counts the changes of `table`.
    version: AtomicU64,
}

/// The handlers as of some moment; brought up to date before each event.
pub struct Snapshot {
    table: Arc<Table>,
    version: u64,
    /// Where the listeners of the last event stand: most events are like the one before.
    last: usize,
}

impl Table {
    fn place(&self, event_type: EventType) -> Option<usize> {
        self.listeners.iter().position(|(of, _)| *of == event_type)
    }

    /// Those in this place, if they are of this type.
    #[inline]
    fn listeners_at(&self, place: usize, event_type: EventType) -> Option<&[Ticket]> {
        let found = self.listeners.get(place).filter(|(of, _)| *of == event_type);
        found.map(|(_, listeners)| listeners.as_slice())
    }

    fn listeners(&self, event_type: EventType) -> &[Ticket] {
        let place = self.place(event_type);
        place.and_then(|place| self.listeners_at(place, event_type)).unwrap_or_default()
    }

    fn default(&self) -> &[Ticket] {
        self.default.as_ref().map_or(&[], |default| std::slice::from_ref(&default.target))
    }
}

impl Handlers {
    fn change<R>(&self, change: impl FnOnce(&mut Table) -> R) -> R {
        let mut guard = self.table.lock();
        let mut table = Table::clone(&guard);
        let result = change(&mut table);
        let old = std::mem::replace(&mut *guard, Arc::new(table));
        self.version.fetch_add(1, Ordering::Release);
        // Dropping the old table may run the host's release function: not under the lock.
        drop(guard);
        drop(old);
        result
    }

    pub(super) fn add_listener(&self, event_type: EventType, listener: Ticket) {
        self.change(|table| {
            if table.listeners(event_type).contains(&listener) {
                return;
            }
            match table.listeners.iter_mut().find(|(of, _)| *of == event_type) {
                Some((_, listeners)) => listeners.push(listener),
                None => table.listeners.push((event_type, vec![listener])),
            }
        });
    }

    pub(super) fn remove_listener(&self, event_type: EventType, listener: Ticket) {
        self.change(|table| {
            if let Some((_, listeners)) =
                table.listeners.iter_mut().find(|(of, _)| *of == event_type)
            {
                listeners.retain(|other| *other != listener);
            }
        });
    }

    pub(super) fn has_listener(&self, event_type: EventType, listener: Ticket) -> bool {
        let table = Arc::clone(&self.table.lock());
        table.listeners(event_type).contains(&listener)
    }

    pub(super) fn set_default(&self, handler: Option<(Ticket, Option<Release>)>) {
        let default = handler.map(|(target, release)| Arc::new(DefaultHandler { target, release }));
        // The replaced one is dropped, and so released, outside the lock.
        let _replaced = self.change(|table| std::mem::replace(&mut table.default, default));
    }

    /// Forgets all handlers.
    pub(super) fn clear(&self) {
        let _replaced = self.change(std::mem::take);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let guard = self.table.lock();
        let (table, version) = (Arc::clone(&guard), self.version.load(Ordering::Acquire));
        Snapshot { table, version, last: 0 }
    }
}

impl Snapshot {
    #[cold]
    fn renew(&mut self, handlers: &Handlers) {
        *self = handlers.snapshot();
    }

    #[inline(never)]
    fn find<'a>(table: &'a Table, last: &mut usize, event_type: EventType) -> &'a [Ticket] {
        *last = table.place(event_type).unwrap_or(*last);
        table.listeners_at(*last, event_type).unwrap_or_default()
    }

    /// Whether it may be kept: a default handler that is replaced must be let go of.
    pub(super) fn may_be_kept(&self) -> bool {
        self.table.default.is_none()
    }

    /// The handlers that an event goes to, if any.
    #[inline]
    pub(super) fn route<'a>(
        &'a mut self,
        handlers: &Handlers,
        event_type: EventType,
        ticket: Option<&'a Ticket>,
    ) -> &'a [Ticket] {
        if self.version != handlers.version.load(Ordering::Acquire) {
            self.renew(handlers);
        }
        let own = match ticket {
            Some(ticket) if ticket.callback != 0 => std::slice::from_ref(ticket),
            Some(_) => &[],
            None => match self.table.listeners_at(self.last, event_type) {
                Some(listeners) => listeners,
                None => Self::find(&self.table, &mut self.last, event_type),
            },
        };
        if own.is_empty() { self.table.default() } else { own }
    }
}
