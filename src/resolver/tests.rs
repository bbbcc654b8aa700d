use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use crossbeam_channel::unbounded;

use super::lookups::{MAX_WAITING, REFUSALS};
use super::*;
use crate::engine::command::QueryId;

const DEADLINE: Duration = Duration::from_secs(60);
const FOUND: Answer = Ok(Vec::new());
/// Lookups of the only app that run at once.
const MAX_FOR_AN_APP: usize = MAX_THREADS / 2;

/// A pool in which the look-up of a name that begins with "hang" lasts until `end` is dropped.
struct Hanging {
    pool: Pool,
    /// The look-ups that have begun.
    begun: Receiver<String>,
    end: Sender<()>,
    wanted: Arc<()>,
}

impl Hanging {
    fn new() -> Self {
        let (begins, begun) = unbounded();
        let (end, ended) = unbounded();
        let look_up = move |host: &str, _| {
            begins.send(host.to_owned()).unwrap();
            if host.starts_with("hang") {
                let _ = ended.recv();
            }
            FOUND
        };
        let left_behind = Box::leak(Box::default());
        let pool = Pool::with(Arc::new(look_up), left_behind);
        Self { pool, begun, end, wanted: Arc::new(()) }
    }

    fn ask(&mut self, host: &str, on_answer: impl FnOnce(Answer) + Send + 'static) {
        let wanted = Arc::clone(&self.wanted);
        self.ask_while(&wanted, host, on_answer);
    }

    fn ask_while(
        &mut self,
        wanted: &Arc<()>,
        host: &str,
        on_answer: impl FnOnce(Answer) + Send + 'static,
    ) {
        self.ask_for(1, wanted, host, on_answer);
    }

    fn ask_for(
        &mut self,
        slot: u32,
        wanted: &Arc<()>,
        host: &str,
        on_answer: impl FnOnce(Answer) + Send + 'static,
    ) {
        let query = Query {
            id: QueryId { socket_id: 1, serial: 1 },
            host: host.into(),
            dns_query_type: DnsQueryType::Ipv4,
            wanted: Arc::downgrade(wanted),
        };
        self.pool.resolve(slot, query, Box::new(on_answer));
    }

    fn hang(&mut self, look_ups: usize) {
        (0..look_ups).for_each(|look_up| self.ask(&format!("hang {look_up}"), drop));
    }

    fn see_begun(&self, look_ups: usize) {
        (0..look_ups).for_each(|_| {
            self.begun.recv_timeout(DEADLINE).unwrap();
        });
    }
}

/// No question waits behind one that hangs while there may be a thread for it, in whatever moment
/// of a thread's life it comes.
#[test]
fn as_many_look_ups_run_at_once_as_may() {
    for round in 0..2000 {
        let mut hanging = Hanging::new();
        hanging.ask("quick", drop);
        hanging.see_begun(1);
        hanging.ask("hangs", drop);
        (0..10 * round).for_each(|_| std::hint::spin_loop());
        hanging.ask("hangs, too", drop);
        hanging.see_begun(2);
    }
}

/// Names of a zone whose servers say nothing hold up no others, unless they are very many.
#[test]
fn many_look_ups_that_hang_hold_up_no_other() {
    let mut hanging = Hanging::new();
    hanging.hang(MAX_FOR_AN_APP - 1);
    hanging.see_begun(MAX_FOR_AN_APP - 1);
    let (answers, answer) = unbounded();
    hanging.ask("quick", move |found| answers.send(found).unwrap());
    assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
}

#[test]
fn no_threads_are_started_that_their_app_may_not_use() {
    let (mut hanging, wanted) = (Hanging::new(), Arc::new(()));
    hanging.hang(2 * MAX_THREADS);
    hanging.see_begun(MAX_FOR_AN_APP);
    assert_eq!(hanging.pool.lookups.lock().workers.len(), MAX_FOR_AN_APP);
    hanging.ask_for(2, &wanted, "quick", drop);
    assert_eq!(hanging.begun.recv_timeout(DEADLINE).unwrap(), "quick");
    assert_eq!(hanging.pool.lookups.lock().workers.len(), MAX_FOR_AN_APP + 1);
}

/// Apps whose names hang, very many of them, take neither all threads nor the place of another in the queue.
#[test]
fn names_of_few_apps_hold_up_no_other() {
    let (mut hanging, wanted) = (Hanging::new(), Arc::new(()));
    let (answers, answer) = unbounded();
    let ask = |hanging: &mut Hanging, slot, host: &str| {
        let answers = answers.clone();
        // Those that hang to the end are answered after it.
        hanging.ask_for(slot, &wanted, host, move |found| drop(answers.send(found)));
    };
    hanging.hang(MAX_FOR_AN_APP);
    hanging.see_begun(MAX_FOR_AN_APP);
    hanging.hang(MAX_WAITING);
    ask(&mut hanging, 1, "one too many");
    assert_eq!(answer.try_recv(), Ok(Err(Status::NameNotResolved)));
    // Each next one has half of what the others have left.
    let mut free = MAX_THREADS - MAX_FOR_AN_APP;
    let mut slot = 1;
    while free > 0 {
        slot += 1;
        let share = free.div_ceil(2);
        for number in 0..=share {
            ask(&mut hanging, slot, &format!("hang {number}"));
        }
        hanging.see_begun(share);
        free -= share;
    }
    assert!(slot > 7, "{slot} apps take all threads");
    // All threads are busy: whoever waits is served in turns, not behind the thousands.
    ask(&mut hanging, slot + 1, "quick");
    assert!(hanging.begun.try_recv().is_err());
    let mut begun = Vec::new();
    while !begun.contains(&"quick".to_owned()) {
        assert!(begun.len() < 3, "{begun:?}");
        hanging.end.send(()).unwrap();
        begun.push(hanging.begun.recv_timeout(DEADLINE).unwrap());
    }
    assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
}

/// Calls that have ended keep neither memory nor the places of others, however long look-ups hang.
#[test]
fn questions_that_nobody_wants_any_more_take_no_place() {
    let mut hanging = Hanging::new();
    hanging.hang(MAX_FOR_AN_APP);
    hanging.see_begun(MAX_FOR_AN_APP);
    (0..100_000).for_each(|_| hanging.ask_while(&Arc::default(), "again", drop));
    let all = |pool: &Pool| pool.lookups.lock().questions.values().map(Vec::len).sum::<usize>();
    assert!(all(&hanging.pool) < 100);
    (0..MAX_WAITING).for_each(|n| hanging.ask_while(&Arc::default(), &n.to_string(), drop));
    let (answers, answer) = unbounded();
    hanging.ask("quick", move |found| answers.send(found).unwrap());
    assert!(all(&hanging.pool) < 100);
    hanging.end = unbounded().0;
    assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
}

/// Also when some were refused while all were wanted, and whatever was refused to another app.
#[test]
fn places_of_calls_that_have_ended_are_free_after_few_refusals() {
    let mut hanging = Hanging::new();
    let (answers, refused) = unbounded();
    for slot in [1, 2] {
        let mut ask_many = |names: usize| {
            let wanted = Arc::new(());
            for name in 0..names {
                let answers = answers.clone();
                let on_answer = move |found| drop(answers.send(found));
                hanging.ask_for(slot, &wanted, &format!("hang {names} {name}"), on_answer);
            }
            refused.try_iter().count()
        };
        assert!(ask_many(MAX_FOR_AN_APP + MAX_WAITING + 1) > 0);
        assert!(ask_many(MAX_WAITING) <= REFUSALS);
    }
}

/// However long look-ups hang, and on whatever reactor that lives on.
#[test]
fn of_an_app_that_has_ended_no_name_is_kept() {
    let mut hanging = Hanging::new();
    let (answers, answer) = unbounded::<Answer>();
    for slot in 1..=3 {
        for n in 0..MAX_WAITING {
            let (wanted, answers) = (Arc::clone(&hanging.wanted), answers.clone());
            hanging.ask_for(slot, &wanted, &format!("hang {n}"), move |found| {
                drop(answers.send(found))
            });
        }
        hanging.pool.forget(slot);
        assert_eq!(hanging.pool.lookups.lock().questions.len(), 0);
    }
    drop(answers);
    hanging.end = unbounded().0;
    assert!(answer.iter().count() <= MAX_THREADS, "those that had begun");
}

/// However many ask for a name at once, it takes one place among the lookups that wait, and none is refused.
#[test]
fn questions_that_wait_for_the_same_name_share_a_look_up_dn_7() {
    let (mut hanging, unwanted) = (Hanging::new(), Arc::new(()));
    hanging.hang(MAX_FOR_AN_APP);
    hanging.see_begun(MAX_FOR_AN_APP);
    let wanted = Arc::clone(&hanging.wanted);
    let (answers, answer) = unbounded();
    for number in 0..2 * MAX_WAITING {
        let answers = answers.clone();
        let on_answer = move |found| answers.send((number, found)).unwrap();
        let wanted = if number == 5 { &unwanted } else { &wanted };
        hanging.ask_while(wanted, ["even", "odd"][number % 2], on_answer);
    }
    assert_eq!(hanging.pool.lookups.lock().questions.len(), 2);
    drop((unwanted, answers));
    hanging.end = unbounded().0;
    let mut all: Vec<_> = answer.iter().collect();
    all.sort_unstable_by_key(|(number, _)| *number);
    let expected = (0..2 * MAX_WAITING).filter(|number| *number != 5);
    assert!(all.into_iter().eq(expected.map(|number| (number, FOUND))));
    let begun: Vec<_> = hanging.begun.try_iter().collect();
    assert!(begun == ["even", "odd"] || begun == ["odd", "even"], "{begun:?}");
}

/// Look-ups that outlive their pool take the place of some that the next one begins, but for a few; and beyond a
/// bound those of a new pool are refused.
#[test]
fn threads_that_are_left_behind_are_bounded() {
    let mut hanging = Hanging::new();
    hanging.hang(MAX_FOR_AN_APP);
    hanging.see_begun(MAX_FOR_AN_APP);
    let left_behind = hanging.pool.left_behind;
    let mut threads = MAX_THREADS;
    for _ in 0..10 {
        threads = (threads / 2).max(LEAST_THREADS);
        // The next app of the process, whose look-ups hang as well.
        hanging.pool = Pool::with(Arc::clone(&hanging.pool.look_up), left_behind);
        hanging.hang(MAX_FOR_AN_APP);
        hanging.see_begun(threads / 2);
        assert!(hanging.pool.lookups.lock().workers.len() <= threads);
    }
    let (answers, answer) = unbounded();
    let ask = |hanging: &mut Hanging| {
        let answers = answers.clone();
        hanging.ask("quick", move |found| answers.send(found).unwrap());
    };
    while left_behind.load(Relaxed) < MAX_LEFT_BEHIND {
        hanging.pool = Pool::with(Arc::clone(&hanging.pool.look_up), left_behind);
        hanging.hang(MAX_FOR_AN_APP);
        hanging.see_begun(LEAST_THREADS / 2);
        hanging.pool = Pool::with(Arc::clone(&hanging.pool.look_up), left_behind);
    }
    assert!(left_behind.load(Relaxed) < MAX_LEFT_BEHIND + LEAST_THREADS);
    ask(&mut hanging);
    assert_eq!(answer.try_recv(), Ok(Err(Status::NameNotResolved)));
    hanging.end = unbounded().0;
    let deadline = std::time::Instant::now() + DEADLINE;
    while left_behind.load(Relaxed) > 0 {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    ask(&mut hanging);
    assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
}

/// CL-3: what a thread holds is given back when the last app has gone, as those find who look for leaks then;
/// a look-up that hangs is not waited for.
#[test]
fn the_end_waits_for_threads_that_look_nothing_up() {
    struct Ended(Arc<AtomicBool>);
    impl Drop for Ended {
        fn drop(&mut self) {
            // Long enough that an end which does not wait comes first.
            (0..100).for_each(|_| std::thread::yield_now());
            self.0.store(true, SeqCst);
        }
    }
    thread_local!(static LAST: std::cell::OnceCell<Ended> = const { std::cell::OnceCell::new() });

    let (mut hanging, ended) = (Hanging::new(), Arc::new(AtomicBool::new(false)));
    hanging.hang(1);
    let (last, (answers, answer)) = (Ended(Arc::clone(&ended)), unbounded());
    hanging.ask("quick", move |_| {
        LAST.with(|place| place.set(last).unwrap_or_else(|_| unreachable!()));
        answers.send(()).unwrap();
    });
    hanging.see_begun(2);
    answer.recv_timeout(DEADLINE).unwrap();
    drop(hanging.pool);
    assert!(ended.load(SeqCst));
    drop(hanging.end);
}
