//! Checks that misbehave, and what is known of them.

use std::convert::Infallible;
use std::future::{Future as _, Ready, pending, poll_fn, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;

use otelier_health::{CheckState, Health, MAX_CHECKS, MIN_INTERVAL, Status, TIMEOUT};
use tokio::sync::{Notify, watch};
use tokio::time::{self, advance};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_first_run_is_at_once_and_the_next_after_the_interval() {
    let runs = Counter::default();
    let health = Health::new();
    health.ready("db", 10 * SECOND, runs.counting(|| Ok(())));
    assert!(!health.is_ready() && !health.is_started());
    assert_eq!(only(&health).output(), Some("no result yet"));

    let start = time::Instant::now();
    until(|| health.is_ready()).await;
    assert!(start.elapsed() < SECOND);
    until(|| runs.get() == 3).await;
    let elapsed = start.elapsed();
    assert!((18 * SECOND..22 * SECOND).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_fails_and_is_run_again() {
    let runs = Counter::default();
    let health = Health::new();
    let check = runs.counting(|| panic!("boom\n{}", "x".repeat(1_000)));
    health.ready("db", SECOND, check);

    until(|| runs.get() == 3).await;
    let state = only(&health);
    let output = state.output().unwrap();
    assert!(output.starts_with("panicked: boom x"), "{output}");
    assert!(output.len() <= 256);
}

#[tokio::test(start_paused = true)]
async fn a_check_whose_future_panics_fails() {
    let health = Health::new();
    health.ready("db", SECOND, async || -> Result<(), Infallible> {
        tokio::task::yield_now().await;
        panic!("eclipse")
    });
    until(|| health.is_started()).await;
    assert_eq!(only(&health).output(), Some("panicked: eclipse"));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_fails_at_the_timeout_and_its_future_is_dropped() {
    let (in_flight, most) = (Counter::default(), Counter::default());
    let runs = Counter::default();
    let health = Health::new();
    let (gauge, high, count) = (in_flight.clone(), most.clone(), runs.clone());
    health.ready("db", MIN_INTERVAL, move || {
        count.add(1);
        high.max(gauge.add(1));
        let leave = OnDrop(gauge.clone());
        async move {
            let _leave = leave;
            pending::<Result<(), Infallible>>().await
        }
    });

    let start = time::Instant::now();
    until(|| health.is_started()).await;
    assert!((TIMEOUT..SECOND).contains(&start.elapsed()));
    assert_eq!(only(&health).output(), Some("no answer within 900 ms"));
    until(|| runs.get() == 10).await;
    assert_eq!(most.get(), 1);
    health.stop();
    until(|| in_flight.get() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_success_after_the_timeout_is_a_failure() {
    let runs = Counter::default();
    let health = Health::new();
    let count = runs.clone();
    health.ready("db", SECOND, move || {
        count.add(1);
        async {
            time::sleep(TIMEOUT + MIN_INTERVAL).await;
            Ok::<(), Infallible>(())
        }
    });
    until(|| runs.get() == 5 || health.is_ready()).await;
    assert!(!health.is_ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_blocks_its_thread_fails_and_is_not_started_again() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let runs = Counter::default();
    let health = Health::new();
    let check = runs.counting(move || {
        let _ = blocked.lock().unwrap().recv();
        Ok(())
    });
    health.ready("db", MIN_INTERVAL, check);
    let beats = Counter::default();
    let beat = Arc::new(Notify::new());
    let beating = Arc::clone(&beat);
    let beats_on = beats.counting(move || {
        beating.notify_one();
        Ok(())
    });
    health.ready("beat", MIN_INTERVAL, beats_on);

    until_at_a_beat(&beat, || health.checks()[0].time().is_some()).await;
    let state = &health.checks()[0];
    assert_eq!(state.output(), Some("no answer within 900 ms"));
    let before = beats.get();
    until_at_a_beat(&beat, || beats.get() > before + 3).await;
    assert_eq!(runs.get(), 1);

    drop(release);
    until_at_a_beat(&beat, || health.is_ready()).await;
}

#[tokio::test(start_paused = true)]
async fn each_transition_is_one_event() {
    let (log, _guard) = Log::capture();
    let (up, is_up) = watch::channel(false);
    let runs = Counter::default();
    let health = Health::new();
    let check = runs.counting(move || is_up.borrow().then_some(()).ok_or("refused"));
    health.ready("db", SECOND, check);

    for turn in 1..=3 {
        up.send_replace(false);
        until(|| runs.get() >= 20 * turn - 10).await;
        up.send_replace(true);
        until(|| runs.get() >= 20 * turn).await;
    }
    let fails = r#"WARN category="health" check="db" status="fail" output="refused""#;
    let passes = r#"INFO category="health" check="db" status="pass""#;
    assert_eq!(log.lines(), [fails, passes].repeat(3));

    health.stop();
    drop(health);
    time::sleep(SECOND).await;
    assert_eq!(log.lines().len(), 6, "an orderly end is no failure");
}

#[tokio::test(start_paused = true)]
async fn draining_is_final_and_told_once() {
    let (log, _guard) = Log::capture();
    let health = Health::new();
    assert!(health.is_ready());
    health.draining("SIG\nTERM");
    health.draining("again");
    assert!(!health.is_ready());
    let expected = r#"INFO category="health" status="fail" output="draining: SIG TERM""#;
    assert_eq!(log.lines(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_checks_run_and_the_next_is_refused() {
    let runs = Counter::default();
    let health = Health::new();
    for check in 0..MAX_CHECKS {
        let passing = runs.counting(|| Ok(()));
        health
            .try_ready(&check.to_string(), SECOND, passing)
            .unwrap();
    }
    let error = health.try_ready("more", SECOND, passing).unwrap_err();
    assert!(error.is_full(), "{error}");
    until(|| health.is_ready()).await;
    assert_eq!(runs.get(), MAX_CHECKS);
}

#[tokio::test(start_paused = true)]
async fn a_refused_check_keeps_the_service_from_being_ready() {
    let (log, _guard) = Log::capture();
    let health = Health::new();
    health
        .ready("db", SECOND, passing)
        .ready("db", SECOND, passing)
        .ready("otelier:registration", SECOND, passing);
    until(|| health.is_started()).await;
    assert!(!health.is_ready());
    let [db, refused] = &health.checks()[..] else {
        panic!("two checks")
    };
    assert_eq!((db.name(), db.status()), ("db", Status::Pass));
    assert_eq!(refused.name(), "otelier:registration");
    assert!(
        refused
            .output()
            .unwrap()
            .contains("\"db\" is registered already")
    );
    let errors = log.lines();
    let errors = errors.iter().filter(|line| line.starts_with("ERROR"));
    assert_eq!(errors.count(), 2, "one a refusal");
}

#[test]
fn checks_registered_outside_a_runtime_begin_with_start() {
    let runs = Counter::default();
    let health = Health::new();
    health.ready("db", SECOND, runs.counting(|| Ok(())));
    health.start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        health.start();
        health.start();
        until(|| health.is_ready()).await;
        until(|| runs.get() == 3).await;
    });
    drop(runtime);
    assert_eq!(only(&health).output(), Some("no longer checked"));
}

#[test]
fn a_runtime_without_a_timer_fails_the_check() {
    let health = Health::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        health.ready("db", SECOND, passing);
        tokio::task::yield_now().await;
    });
    assert_eq!(only(&health).output(), Some("no longer checked"));
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_ends_the_checks() {
    let ended = Counter::default();
    let health = Health::new();
    let held = OnDrop(ended.clone());
    ended.add(1);
    health.ready("db", SECOND, move || {
        let _held = &held;
        pending::<Result<(), Infallible>>()
    });
    let service = health.service();
    until(|| health.is_started()).await;
    drop(health);
    time::sleep(10 * SECOND).await;
    assert_eq!(ended.get(), 1, "the service is a handle");
    drop(service);
    until(|| ended.get() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_check_fails_and_runs_no_more() {
    let runs = Counter::default();
    let health = Health::new();
    health.ready("db", SECOND, runs.counting(|| Ok(())));
    until(|| health.is_ready()).await;
    health.stop();
    until(|| !health.is_ready()).await;
    let before = runs.get();
    time::sleep(10 * SECOND).await;
    assert_eq!(runs.get(), before);
}

#[tokio::test(start_paused = true)]
async fn no_interval_spins_or_overflows() {
    let (often, rarely) = (Counter::default(), Counter::default());
    let health = Health::new();
    health.ready("often", Duration::ZERO, often.counting(|| Ok(())));
    health.ready("rarely", Duration::MAX, rarely.counting(|| Ok(())));
    until(|| health.is_ready()).await;
    time::sleep(10 * SECOND).await;
    assert!((90..=112).contains(&often.get()), "{}", often.get());
    assert_eq!(rarely.get(), 1);
}

async fn passing() -> Result<(), Infallible> {
    Ok(())
}

fn only(health: &Health) -> CheckState {
    let mut checks = health.checks();
    assert_eq!(checks.len(), 1);
    checks.remove(0)
}

/// Lets the paused clock go on until `condition` holds.
async fn until(condition: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if condition() {
            return;
        }
        advance(Duration::from_millis(1)).await;
    }
    panic!("not within 100 s of paused time");
}

/// Where a thread blocks, the clock cannot be paused: looks at each run of a check that goes on.
async fn until_at_a_beat(beat: &Notify, condition: impl Fn() -> bool) {
    let held = async {
        while !condition() {
            beat.notified().await;
        }
    };
    time::timeout(30 * SECOND, held)
        .await
        .expect("it holds within 30 s");
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Counter {
    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }

    fn add(&self, by: usize) -> usize {
        self.0.fetch_add(by, SeqCst) + by
    }

    fn max(&self, of: usize) {
        self.0.fetch_max(of, SeqCst);
    }

    /// A check that counts its runs.
    fn counting<C: Fn() -> Result<(), &'static str>>(
        &self,
        check: C,
    ) -> impl Fn() -> Ready<Result<(), &'static str>> + use<C> {
        let runs = self.clone();
        move || {
            runs.add(1);
            ready(check())
        }
    }
}

struct OnDrop(Counter);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}

/// The health events as `LEVEL field=value ...`, without their message.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn capture() -> (Self, DefaultGuard) {
        let log = Self::default();
        let registry = tracing_subscriber::registry().with(log.clone());
        (log, registry.set_default())
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no test panics with the lock").clone()
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "otelier::health" {
            return;
        }
        let mut line = event.metadata().level().to_string();
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                if field.name() != "message" {
                    line += &format!(" {field}={value:?}");
                }
            },
        );
        self.0
            .lock()
            .expect("no test panics with the lock")
            .push(line);
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_blocks_its_thread_past_its_time_is_late_though_it_succeeds() {
    let health = Health::new();
    health.ready("blocking", Duration::from_secs(60), async || {
        // Its first poll sets the clock; without a second, no other task has run meanwhile.
        let mut blocked = pin!(advance(TIMEOUT + Duration::from_millis(100)));
        let _ = poll_fn(|cx| Poll::Ready(blocked.as_mut().poll(cx))).await;
        Ok::<(), String>(())
    });
    until(|| health.is_started()).await;
    assert_eq!(health.checks()[0].output(), Some("no answer within 900 ms"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_at_once() {
    let health = Health::new();
    health.ready("quick", Duration::from_secs(60), || async {
        Ok::<(), String>(())
    });
    while !health.is_ready() {
        tokio::task::yield_now().await;
    }
    health.stop();
    assert!(!health.is_ready());
}
