//! What random conversations between two engines have in common: each program hears what happens at once, and
//! releases what it has received when chance has it so.

use super::driver::Rig;
use crate::api::event::Event;
use crate::engine::Limits;
use crate::engine::sim::{Random, Sim};
use crate::permissions::Grants;

/// Two programs, 0 and 1, each with an engine.
pub(super) trait Talking {
    fn rig(&mut self, who: usize) -> &mut Rig;
    /// Received and not released yet.
    fn owed(&mut self, who: usize) -> &mut Vec<(i32, isize)>;
    fn random(&mut self) -> &mut Random;
    /// A program is told of an event.
    fn hear(&mut self, who: usize, event: &Event);

    fn listen_to(&mut self, who: usize) {
        let events = std::mem::take(self.rig(who).kept.as_mut().unwrap());
        events.iter().for_each(|event| self.hear(who, event));
    }

    fn call(&mut self, who: usize, call: &str) {
        self.rig(who).issue(call);
        self.listen_to(who);
    }

    fn turn(&mut self, who: usize) -> bool {
        let busy = self.rig(who).turn();
        self.listen_to(who);
        busy
    }

    /// Releases some of what is owed.
    fn release(&mut self, who: usize) {
        let most = self.owed(who).len();
        let number = self.random().below(most + 1);
        let released: Vec<_> = self.owed(who).drain(..number).collect();
        for (id, bytes) in released {
            self.rig(who).release(id, bytes);
        }
    }

    /// Lets everything happen that can, and releases everything.
    fn settle(&mut self) {
        loop {
            let mut busy = false;
            for who in [0, 1] {
                busy |= self.turn(who);
                for (id, bytes) in std::mem::take(self.owed(who)) {
                    busy = true;
                    self.rig(who).release(id, bytes);
                }
            }
            if !busy {
                return;
            }
        }
    }
}

/// An engine that writes no trace and keeps its events.
pub(super) fn rig(sim: &Sim, host: usize, limits: Limits) -> Rig {
    let mut rig = Rig::with(sim, host, limits, Grants::allow_all());
    rig.writes_trace = false;
    rig.kept = Some(Vec::new());
    rig
}
