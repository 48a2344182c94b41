//! Clocks: batches for the quick, single decisions for the slow, and the processor's own time for throughput.
//! Always: engines that are compared take turns in one run, so that a noisy moment does not fall on one of them.

use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Decisions a sample.
pub const BATCH: usize = 64;

/// Something that answers the requests of a workload by number.
pub trait Engine {
    fn decide(&self, request: usize) -> bool;
}

impl<F: Fn(usize) -> bool> Engine for F {
    fn decide(&self, request: usize) -> bool {
        self(request)
    }
}

/// Nanoseconds a decision.
#[derive(Clone, Copy)]
pub struct Times {
    pub median: f64,
    pub p99: f64,
}

impl Times {
    fn of(mut samples: Vec<f64>) -> Times {
        samples.sort_by(f64::total_cmp);
        Times { median: samples[samples.len() / 2], p99: samples[samples.len() * 99 / 100] }
    }
}

/// What reading the clock twice costs, in nanoseconds.
fn clock() -> f64 {
    let mut costs: Vec<f64> = (0..10_001)
        .map(|_| {
            let start = Instant::now();
            start.elapsed().as_nanos() as f64
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

/// Times engines in turns: in every round each works through the requests once or for a while, a sample a batch.
pub fn in_turns(engines: &[&dyn Engine], requests: usize, rounds: usize) -> Vec<Times> {
    let clock = clock();
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); engines.len()];
    for _ in 0..rounds {
        for (engine, samples) in engines.iter().zip(&mut samples) {
            one_turn(*engine, requests, clock, samples);
        }
    }
    samples.into_iter().map(Times::of).collect()
}

fn one_turn(engine: &dyn Engine, requests: usize, clock: f64, samples: &mut Vec<f64>) {
    // Warm up: what the others left in the caches is not this engine's to pay for.
    (0..requests).for_each(|request| {
        black_box(engine.decide(request));
    });
    for first in (0..requests).step_by(BATCH) {
        let start = Instant::now();
        for request in first..first + BATCH {
            black_box(engine.decide(black_box(request % requests)));
        }
        samples.push((start.elapsed().as_nanos() as f64 - clock).max(0.0) / BATCH as f64);
    }
}

/// Times a slow engine, a sample a decision, for about as long as given.
pub fn singly(engine: &dyn Engine, requests: usize, at_most: Duration) -> Times {
    let (clock, begin) = (clock(), Instant::now());
    let mut samples = Vec::new();
    for request in (0..requests).cycle() {
        let start = Instant::now();
        black_box(engine.decide(black_box(request)));
        samples.push((start.elapsed().as_nanos() as f64 - clock).max(0.0));
        if begin.elapsed() > at_most && samples.len() >= 20 || samples.len() > 200_000 {
            break;
        }
    }
    Times::of(samples)
}

/// What this thread has had of the processor.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Decisions a second of processor time, of all threads together.
pub fn throughput(engine: &(dyn Fn(usize) -> bool + Sync), requests: usize, threads: usize, each: Duration) -> f64 {
    let barrier = std::sync::Barrier::new(threads);
    let work = |from: usize| {
        let mut done = 0u64;
        barrier.wait();
        let start = processor_time();
        loop {
            (0..requests).for_each(|at| {
                black_box(engine(black_box((from + at) % requests)));
            });
            done += requests as u64;
            let spent = processor_time() - start;
            if spent > each {
                return done as f64 / spent.as_secs_f64();
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|at| scope.spawn(move || work(at * requests / threads))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no engine panics")).sum()
    })
}

/// The quickest of several runs: what the code costs where nothing else disturbs it.
pub fn quickest(runs: usize, mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..runs).map(time).min().unwrap_or_default()
}
