//! The threads of the computation: they spin between the many short products of a step and park
//! when none comes.
//!
//! A step of decoding makes some two hundred products of a few hundred microseconds; waking a
//! parked thread for each would cost more than a small product takes. The thread that calls works
//! along and is one of the pool, so a pool of one has no thread of its own.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a thread spins before it parks: longer than the pauses within a step.
const SPIN: Duration = Duration::from_micros(200);
/// Turns of a spinning loop between two looks at the clock.
const SPIN_TURNS: u32 = 64;

type Work<'a> = dyn Fn(usize) + Sync + 'a;

/// Low bits of the gate: threads (the caller not counted) that work on the open job.
const JOINED: usize = 0xffff;
/// Set while threads may join.
const OPEN: usize = 0x1_0000;
/// What is added to the gate for each job.
const EPOCH: usize = 0x2_0000;

/// What all threads of a pool see.
struct Shared {
    /// Epoch, open bit and joined threads in one number. A thread joins by counting itself in
    /// while the bit is set; the caller clears the bit when no task is left and waits for those
    /// who joined, not for those whom the system has not let run.
    gate: AtomicUsize,
    /// The job's function, valid for a thread that has joined.
    work: AtomicPtr<&'static Work<'static>>,
    tasks: AtomicUsize,
    next: AtomicUsize,
    panicked: AtomicBool,
    stopping: AtomicBool,
}

/// A pool; dropping it ends its threads.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    handles: Vec<Thread>,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Pool>>> = const { RefCell::new(None) };
}

impl Pool {
    /// A pool of `threads`, the caller of [`run`] included; 0 takes all processors.
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let shared = Arc::new(Shared {
            gate: AtomicUsize::new(0),
            work: AtomicPtr::new(std::ptr::null_mut()),
            tasks: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        });
        let mut pool = Self { shared, threads: Vec::new(), handles: Vec::new() };
        for index in 1..threads {
            let shared = pool.shared.clone();
            let thread = std::thread::Builder::new()
                .name(format!("kura-llm-{index}"))
                .spawn(move || serve(&shared))?;
            pool.handles.push(thread.thread().clone());
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Makes the pool the one that this thread's [`run`] uses, until the guard is dropped.
    pub(crate) fn installed(self: &Arc<Self>) -> Installed {
        Installed(CURRENT.replace(Some(self.clone())))
    }

    fn run(&self, tasks: usize, work: &Work<'_>) {
        let shared = &*self.shared;
        // SAFETY: only the lifetime changes. A thread uses the function between joining and
        // leaving, and this function returns when the gate is closed and all have left.
        let mut work: &'static Work<'static> = unsafe { std::mem::transmute(work) };
        shared.work.store(&raw mut work, Ordering::Relaxed);
        shared.tasks.store(tasks, Ordering::Relaxed);
        shared.next.store(0, Ordering::Relaxed);
        shared.gate.fetch_add(EPOCH | OPEN, Ordering::Release);
        self.handles.iter().for_each(Thread::unpark);
        let own = catch_unwind(AssertUnwindSafe(|| shared.take(work)));
        if own.is_err() {
            shared.next.store(tasks, Ordering::Relaxed);
        }
        let mut gate = shared.gate.fetch_sub(OPEN, Ordering::AcqRel) - OPEN;
        let mut turns = 0u32;
        while gate & JOINED > 0 {
            turns += 1;
            // Where the other threads do not get a processor, they may have this one.
            match turns % 1024 {
                0 => std::thread::yield_now(),
                _ => std::hint::spin_loop(),
            }
            gate = shared.gate.load(Ordering::Acquire);
        }
        let other = shared.panicked.swap(false, Ordering::Relaxed);
        if let Err(panic) = own {
            std::panic::resume_unwind(panic);
        }
        assert!(!other, "a computing thread panicked");
    }
}

/// Puts back the pool that was installed before.
#[must_use]
pub(crate) struct Installed(Option<Arc<Pool>>);

impl Drop for Installed {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.handles.iter().for_each(Thread::unpark);
        for thread in self.threads.drain(..) {
            // A thread catches the panics of its work, so joining cannot fail.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn take(&self, work: &Work<'_>) {
        loop {
            let task = self.next.fetch_add(1, Ordering::Relaxed);
            if task >= self.tasks.load(Ordering::Relaxed) {
                return;
            }
            work(task);
        }
    }
}

/// The life of a thread of the pool.
fn serve(shared: &Shared) {
    let mut seen = 0;
    while let Some(epoch) = join(shared, seen) {
        seen = epoch;
        // SAFETY: having joined, this thread may use the function until it leaves.
        let work = unsafe { *shared.work.load(Ordering::Relaxed) };
        if catch_unwind(AssertUnwindSafe(|| shared.take(work))).is_err() {
            shared.panicked.store(true, Ordering::Relaxed);
        }
        shared.gate.fetch_sub(1, Ordering::Release);
    }
}

/// Waits for an open job after `seen`, joins it and gives its epoch; `None` when the pool ends.
fn join(shared: &Shared, seen: usize) -> Option<usize> {
    let mut started = Instant::now();
    loop {
        for _ in 0..SPIN_TURNS {
            let gate = shared.gate.load(Ordering::Acquire);
            let fresh = gate & OPEN != 0 && gate / EPOCH != seen;
            let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
            if fresh && shared.gate.compare_exchange(gate, gate + 1, success, failure).is_ok() {
                return Some(gate / EPOCH);
            }
            std::hint::spin_loop();
        }
        if shared.stopping.load(Ordering::Relaxed) {
            return None;
        }
        if started.elapsed() > SPIN {
            std::thread::park();
            started = Instant::now();
        }
    }
}

/// Threads that [`run`] on this thread uses.
pub(crate) fn threads() -> usize {
    CURRENT.with(|current| current.borrow().as_ref().map_or(1, |pool| pool.handles.len() + 1))
}

/// Calls `work` with each number below `tasks` on the pool installed on this thread, or here,
/// one after another, where there is none. A panic of the work goes on to the caller.
pub(crate) fn run(tasks: usize, work: impl Fn(usize) + Sync) {
    let pool = CURRENT.with(|current| current.borrow().clone());
    match pool {
        Some(pool) if tasks > 1 && !pool.handles.is_empty() => pool.run(tasks, &work),
        _ => (0..tasks).for_each(work),
    }
}

/// Calls `work` with each item; on the pool where there are at least `least`.
pub(crate) fn for_each<T: Send>(
    items: impl Iterator<Item = T>,
    least: usize,
    work: impl Fn(T) + Sync,
) {
    let items: Vec<std::sync::Mutex<Option<T>>> =
        items.map(|item| std::sync::Mutex::new(Some(item))).collect();
    let take = |index: usize| {
        let item = items[index].lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(item) = item {
            work(item);
        }
    };
    if items.len() < least {
        (0..items.len()).for_each(take);
    } else {
        run(items.len(), take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_pool(threads: usize, work: impl FnOnce() + Send) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _installed = Arc::new(Pool::new(threads).unwrap()).installed();
                work();
            });
        });
    }

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 3, 8] {
            with_pool(threads, || {
                for tasks in [0, 1, 2, 7, 1000] {
                    let counts: Vec<AtomicUsize> =
                        (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    run(tasks, |task| {
                        counts[task].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
            });
        }
    }

    #[test]
    fn threads_that_parked_come_back() {
        with_pool(3, || {
            for _ in 0..5 {
                std::thread::sleep(2 * SPIN);
                let sum = AtomicUsize::new(0);
                run(100, |task| {
                    sum.fetch_add(task, Ordering::Relaxed);
                });
                assert_eq!(sum.load(Ordering::Relaxed), 4950);
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        with_pool(4, || {
            for bad in 0..20 {
                let work = || run(20, |task| assert!(task != bad, "task {task}"));
                assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
            }
            let sum = AtomicUsize::new(0);
            run(10, |_| {
                sum.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(sum.load(Ordering::Relaxed), 10);
        });
    }

    #[test]
    fn items_are_lent_mutably() {
        with_pool(2, || {
            let mut numbers = vec![1u64; 500];
            for_each(numbers.chunks_mut(7).enumerate(), 2, |(index, chunk)| {
                chunk.fill(index as u64);
            });
            assert!(numbers.iter().enumerate().all(|(at, number)| *number == (at / 7) as u64));
        });
    }
}
